/**
 * Results of test files come from other processes as JSON, which knows no bigint: a failed comparison of two would be lost.
 * So bigints become strings there, but not while the tests run: code that forgets them must fail.
 */
interface Jsonable {
  toJSON?: (this: bigint) => string;
}

const prototype = BigInt.prototype as Jsonable;

export const mochaHooks = {
  beforeAll(): void {
    delete prototype.toJSON;
  },
  afterAll(): void {
    prototype.toJSON = function (this: bigint) {
      return this.toString();
    };
  },
};

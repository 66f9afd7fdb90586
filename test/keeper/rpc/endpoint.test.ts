import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { EndpointError, httpEndpoint, RpcError } from "../../../scripts/keeper/rpc/endpoint.ts";
import { rejected } from "../rejected.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, body: { id: number }) => void;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("httpEndpoint", () => {
  let server: Server;
  let handler: Handler = () => undefined;
  let url = "";
  before(async () => {
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        handler(request, response, JSON.parse(text) as { id: number });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = async (to = `http://${url}`) => httpEndpoint(to, { timeoutMs: 200 }).request("eth_chainId", []);
  const says = (status: number, answer: unknown) => {
    handler = (_, response, { id }) => {
      const text = typeof answer === "string" ? answer : JSON.stringify({ jsonrpc: "2.0", id, ...(answer as object) });
      response.writeHead(status).end(text);
    };
  };

  it("gives the result", async () => {
    says(200, { result: "0x1" });
    expect(await ask()).to.equal("0x1");
  });

  it("gives each of many questions its own answer", async () => {
    handler = (_, response, { id }) => {
      setTimeout(
        () => response.writeHead(200).end(JSON.stringify({ jsonrpc: "2.0", id, result: `0x${id}` })),
        10 - 3 * id,
      );
    };
    const endpoint = httpEndpoint(`http://${url}`, { timeoutMs: 500 });
    const answers = await Promise.all([1, 2, 3].map(async () => endpoint.request("eth_chainId", [])));

    expect(answers).to.deep.equal(["0x1", "0x2", "0x3"]);
  });

  it("asks no more at once than its width, in order, but blocks and transactions at any time", async () => {
    const open: { method: string; end: () => void }[] = [];
    handler = (_, response, body) => {
      const { id, method } = body as { id: number; method: string };
      const end = () => response.writeHead(200).end(JSON.stringify({ jsonrpc: "2.0", id, result: method }));
      open.push({ method, end });
    };
    const endpoint = httpEndpoint(`http://${url}`, { timeoutMs: 5_000, width: 2 });
    const asked = ["one", "two", "three", "four"].map(async (method) => endpoint.request(method, []));
    asked.push(endpoint.request("eth_sendRawTransaction", []));
    asked.push(endpoint.request("eth_getBlockByNumber", []));
    const methods = (): string[] => open.map(({ method }) => method).sort();
    await until(() => open.length === 4);
    expect(methods()).to.deep.equal(["eth_getBlockByNumber", "eth_sendRawTransaction", "one", "two"]);

    const end = (some: readonly { end: () => void }[]): void => {
      for (const one of some) one.end();
    };
    end(
      open.splice(
        open.findIndex(({ method }) => method === "one"),
        1,
      ),
    );
    await until(() => open.length === 4);
    expect(methods()).to.include("three").and.not.to.include("four");
    end(open.splice(0));
    await until(() => open.length === 1);
    end(open);
    expect(await Promise.all(asked)).to.include.members(["one", "two", "three", "four"]);
  });

  it("lets those that wait fail with one that got no answer", async () => {
    let count = 0;
    handler = () => (count += 1);
    const endpoint = httpEndpoint(`http://${url}`, { timeoutMs: 200, width: 1 });
    const asked = [1, 2, 3].map(async () => rejected(endpoint.request("eth_call", [])));

    for (const error of await Promise.all(asked)) expect(error).to.be.instanceOf(EndpointError);
    expect(count).to.equal(1);
    says(200, { result: "0x1" });
    expect(await endpoint.request("eth_call", [])).to.equal("0x1");
  });

  it("gives the error of the chain with its data", async () => {
    says(200, { error: { code: 3, message: "execution reverted", data: "0x12" } });
    expect(await rejected(ask()))
      .to.be.instanceOf(RpcError)
      .and.to.deep.include({ code: 3, data: "0x12" });
  });

  const broken: [string, number, unknown][] = [
    ["a server error", 502, "bad gateway"],
    ["text that is no JSON", 200, "<html>"],
    ["an answer that was cut off", 200, '{"jsonrpc":"2.0","id":1,"res'],
    ["a number", 200, "5"],
    ["an answer to another question", 200, { id: 77, result: "0x1" }],
    ["an answer without a result", 200, {}],
    ["an error without a code", 200, { error: { message: "?" } }],
    ["a limit on requests", 429, { error: { code: -32_005, message: "rate limit" } }],
  ];
  for (const [what, status, answer] of broken) {
    it(`takes ${what} for a failure of the endpoint`, async () => {
      says(status, answer);
      expect(await rejected(ask())).to.be.instanceOf(EndpointError);
    });
  }

  it("gives up on one that hangs, before or within its answer", async () => {
    handler = () => undefined;
    expect(await rejected(ask())).to.match(/no answer in 200 ms/);
    handler = (_, response) => {
      response.writeHead(200).write("{");
    };
    expect(await rejected(ask())).to.be.instanceOf(EndpointError);
  });

  it("does not follow a redirect", async () => {
    handler = (request, response, { id }) => {
      if (request.url === "/other") response.end(JSON.stringify({ jsonrpc: "2.0", id, result: "0x1" }));
      else response.writeHead(307, { location: `http://${url}/other` }).end();
    };
    expect(await rejected(ask())).to.be.instanceOf(EndpointError);
  });

  it("sends credentials as a header and shows none of them", async () => {
    let header: string | undefined;
    handler = (request, response) => {
      header = request.headers.authorization;
      response.writeHead(500).end();
    };
    const endpoint = httpEndpoint(`http://name:pass%20word@${url}/secret-path`, { timeoutMs: 200 });
    const error = (await rejected(endpoint.request("eth_chainId", []))) as Error;

    expect(header).to.equal(`Basic ${Buffer.from("name:pass word").toString("base64")}`);
    expect(endpoint.name).to.equal(url);
    expect(error.message).not.to.match(/pass|name|secret/);
  });
});

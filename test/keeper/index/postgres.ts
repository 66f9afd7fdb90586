/** PostgreSQL in this process, behind its wire protocol. */
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

export interface PostgresServer {
  readonly url: string;
  /** Runs statements past the stores. */
  exec(sql: string): Promise<void>;
  /** No longer reachable; what is in it stays. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const database = await PGlite.create();
  let port = 0;
  const listen = async (): Promise<PGLiteSocketServer> => {
    const server = new PGLiteSocketServer({ db: database, host: "127.0.0.1", port, maxConnections: 8 });
    await server.start();
    port = Number(server.getServerConn().split(":").at(-1));
    return server;
  };
  let server: PGLiteSocketServer | undefined = await listen();
  const pause = async (): Promise<void> => {
    await server?.stop();
    server = undefined;
  };
  return {
    url: `postgres://keeper:s3cret@127.0.0.1:${port}/postgres`,
    exec: async (sql) => {
      await database.exec(sql);
    },
    pause,
    resume: async () => {
      server = await listen();
    },
    stop: async () => {
      await pause();
      await database.close();
    },
  };
}

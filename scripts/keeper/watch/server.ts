/** `/metrics` and `/health` over HTTP. */
import { createServer, type ServerResponse } from "node:http";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";

/** The port is taken, or the address is not this machine's. */
export class PortError extends PlimsollError {}

export interface WatchServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface WatchServerOptions {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** Throws a PortError. */
export async function serveWatch({ metrics, health, host, port }: WatchServerOptions): Promise<WatchServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      answer(response, 405, "text/plain", "only GET\n");
    } else if (path === "/health") {
      const report = health.report();
      answer(response, report.healthy ? 200 : 503, "application/json", `${JSON.stringify(report)}\n`);
    } else if (path === "/metrics") {
      metrics.text().then(
        (text) => {
          answer(response, 200, metrics.registry.contentType, text);
        },
        () => {
          answer(response, 500, "text/plain", "no metrics\n");
        },
      );
    } else answer(response, 404, "text/plain", "only /metrics and /health\n");
  });
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  const bound = await new Promise<number>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new PortError(`cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
  return {
    port: bound,
    close: async () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}

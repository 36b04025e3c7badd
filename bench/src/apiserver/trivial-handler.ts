/** Answers every request with the same 2 KB over HTTP/2, as fast as this language can. `trivial-handler.ts PORT CERT KEY` */
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const [port, certFile, keyFile] = process.argv.slice(2);
const object = { kind: "Thing", apiVersion: "trivial.bench/v1", metadata: { name: "one" }, data: "x".repeat(2000) };
const things = { name: "things", singularName: "thing", namespaced: true, kind: "Thing", verbs: ["get"] };
const resources = { kind: "APIResourceList", apiVersion: "v1", groupVersion: "trivial.bench/v1", resources: [things] };
const body = { thing: Buffer.from(JSON.stringify(object)), discovery: Buffer.from(JSON.stringify(resources)) };

const server = createSecureServer({ cert: readFileSync(certFile ?? ""), key: readFileSync(keyFile ?? "") });
server.on("stream", (stream, headers) => {
  const answer = headers[":path"]?.includes("/things/") ? body.thing : body.discovery;
  stream.on("error", () => {}); // the client went away
  stream.respond({ ":status": 200, "content-type": "application/json", "content-length": answer.length });
  stream.end(answer);
});
server.listen(Number(port), "127.0.0.1");

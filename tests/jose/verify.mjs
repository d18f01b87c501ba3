// Checks a compact JWS against a public point, with a library that is not the kit's own.
// In: {"jws": "...", "point": "04..."} on standard input. Out: {"header": {...}, "payload": "<base64url>"}.
import { readFileSync } from "node:fs";
import { base64url, compactVerify, importJWK } from "jose";

const { jws, point } = JSON.parse(readFileSync(0, "utf8"));
const bytes = Buffer.from(point, "hex");
const x = base64url.encode(bytes.subarray(1, 33));
const y = base64url.encode(bytes.subarray(33, 65));
const key = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: ["ES256"] });
console.log(JSON.stringify({ header: protectedHeader, payload: base64url.encode(payload) }));

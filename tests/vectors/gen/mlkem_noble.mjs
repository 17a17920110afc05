// Rounds of ML-KEM-768 by an independent implementation, npm's @noble/post-quantum 0.7.1 (MIT):
//     npm install @noble/post-quantum@0.7.1 && node mlkem_noble.mjs 16 > ../ml-kem-768/noble.txt
// Each row: the seed d || z, m, the keys (dk by its SHA-256), the ciphertext and its secret, and the
// secret of the same ciphertext with one byte changed. Everything is drawn from SHA-256 of a counter.
import { createHash } from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";

const hex = (b) => Buffer.from(b).toString("hex");
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();

console.log("# made by gen/mlkem_noble.mjs with @noble/post-quantum 0.7.1");
for (let i = 0; i < Number(process.argv[2]); i++) {
  const draw = (name) => sha256(`${name} ${i}`);
  const d = draw("d"), z = draw("z"), m = draw("m");
  const { publicKey, secretKey } = ml_kem768.keygen(Buffer.concat([d, z]));
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, m);
  const at = draw("at").readUInt16BE(0) % cipherText.length;
  const bad = Uint8Array.from(cipherText);
  bad[at] ^= 0x40;
  console.log(`d = ${hex(d)}\nz = ${hex(z)}\nm = ${hex(m)}\nek = ${hex(publicKey)}`);
  console.log(`dk-sha256 = ${hex(sha256(secretKey))}\nc = ${hex(cipherText)}\nK = ${hex(sharedSecret)}`);
  console.log(`changed = ${at}\nrejected = ${hex(ml_kem768.decapsulate(bad, secretKey))}\n`);
}

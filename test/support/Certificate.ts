/** A certificate that is signed by itself, made on the spot, so that none lies in the repository. */
import * as Crypto from "node:crypto"
import { isIP } from "node:net"

const tlv = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...contents: ReadonlyArray<Uint8Array>) => tlv(0x30, ...contents)
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, "hex"))
const utc = (text: string) => tlv(0x17, Buffer.from(text))

const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"))

/** A key and its certificate, in PEM, for an IPv4 address. */
export const certificateFor = (ip: string): { readonly key: string; readonly cert: string } => {
  if (isIP(ip) !== 4) throw new Error(`no IPv4 address: ${ip}`)
  const { privateKey, publicKey } = Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
  const name = sequence(tlv(0x31, sequence(oid("550403"), tlv(0x0c, Buffer.from("a test")))))
  const addresses = sequence(tlv(0x87, Uint8Array.from(ip.split("."), Number)))
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(utc("200101000000Z"), utc("491231235959Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(sequence(oid("551d11"), tlv(0x04, addresses))))
  )
  const signature = Crypto.sign("sha256", body, privateKey)
  const der = sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), signature))
  const lines = der.toString("base64").match(/.{1,64}/g) ?? []
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n")
  }
}

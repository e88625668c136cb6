/** A snapshot is read whole, or not at all. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { crc32 } from "node:zlib"
import { MAX_BYTES, type Snapshot } from "../../src/base/Snapshot.ts"
import * as SnapshotFormat from "../../src/wire/SnapshotFormat.ts"

const snapshot: Snapshot = {
  name: "a",
  label: "blue",
  incarnation: 65,
  left: false,
  peers: [
    { name: "b", ip: "10.0.0.2", port: 7946, seen: 1_700_000_000_000 },
    { name: "ж\n\"😀", ip: "fd00::3", port: 0, seen: 0 }
  ]
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const decode = (bytes: Uint8Array) => SnapshotFormat.decode(bytes, { name: "a", label: "blue" })

const reasonOf = (bytes: Uint8Array) => {
  const read = decode(bytes)
  return Result.isFailure(read) ? read.failure.reason : undefined
}

/** These lines with their right checksum. */
const signed = (...lines: ReadonlyArray<unknown>): Uint8Array => {
  const body = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("")
  const sum = crc32(new TextEncoder().encode(body)).toString(16).padStart(8, "0")
  return new TextEncoder().encode(`${body}{"crc32":"${sum}"}\n`)
}

const head = {
  format: "effect-memberlist snapshot",
  version: 1,
  name: "a",
  label: "blue",
  incarnation: 65,
  left: false,
  peers: 1
}
const peer = { name: "b", ip: "10.0.0.2", port: 7946, seen: 0 }

describe("the text of a snapshot", () => {
  it("is lines of JSON, the last of which has the checksum of the others", () => {
    assert.strictEqual(
      text(SnapshotFormat.encode(snapshot)),
      `{"format":"effect-memberlist snapshot","version":1,"name":"a","label":"blue","incarnation":65,"left":false,"peers":2}
{"name":"b","ip":"10.0.0.2","port":7946,"seen":1700000000000}
{"name":"ж\\n\\"😀","ip":"fd00::3","port":0,"seen":0}
{"crc32":"1c309e9b"}
`
    )
  })

  it("is short where nobody is remembered", () => {
    const bytes = SnapshotFormat.encode({ name: "a", label: "", incarnation: 1, left: true, peers: [] })
    assert.strictEqual(
      text(bytes),
      "{\"format\":\"effect-memberlist snapshot\",\"version\":1,\"name\":\"a\",\"label\":\"\",\"incarnation\":1,"
        + "\"left\":true,\"peers\":0}\n{\"crc32\":\"7252702f\"}\n"
    )
  })

  it("is read as what was written", () => {
    assert.deepStrictEqual(decode(SnapshotFormat.encode(snapshot)), Result.succeed(snapshot))
    const extreme = { ...snapshot, incarnation: 0xffff_ffff, left: true, peers: [] }
    assert.deepStrictEqual(decode(SnapshotFormat.encode(extreme)), Result.succeed(extreme))
  })

  it("is within the bytes that are read, with the most peers and the longest names", () => {
    const name = "\u0001".repeat(512)
    const peers = Array.from({ length: 4096 }, () => ({
      name,
      ip: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      port: 65_535,
      seen: Number.MAX_SAFE_INTEGER
    }))
    assert.isBelow(SnapshotFormat.encode({ ...snapshot, label: name, peers }).length, MAX_BYTES)
  })
})

describe("a snapshot that is not whole", () => {
  const bytes = SnapshotFormat.encode(snapshot)

  it("is refused, cut at any byte", () => {
    for (let length = 0; length < bytes.length; length++) {
      assert.strictEqual(reasonOf(bytes.slice(0, length)), "Torn", `cut to ${length}`)
    }
  })

  it("is refused with any bit changed", () => {
    for (let i = 0; i < bytes.length; i++) {
      for (let bit = 0; bit < 8; bit++) {
        const altered = bytes.slice()
        altered[i] = (altered[i] ?? 0) ^ (1 << bit)
        assert.strictEqual(reasonOf(altered), "Torn", `bit ${bit} of byte ${i}`)
      }
    }
  })

  it("is refused with any byte lost, doubled, or overwritten by zero", () => {
    for (let i = 0; i < bytes.length; i++) {
      const [before, after] = [bytes.slice(0, i), bytes.slice(i + 1)]
      const here = bytes.slice(i, i + 1)
      for (
        const altered of [[...before, ...after], [...before, ...here, ...here, ...after], [...before, 0, ...after]]
      ) {
        assert.strictEqual(reasonOf(Uint8Array.from(altered)), "Torn", `byte ${i}`)
      }
    }
  })

  it("is refused when an older one shows through behind it, or before it", () => {
    const older = SnapshotFormat.encode({ ...snapshot, incarnation: 1 })
    assert.strictEqual(reasonOf(Uint8Array.from([...bytes, ...older.slice(bytes.length - 9)])), "Torn")
    for (let at = 1; at < bytes.length; at++) {
      const mixed = Uint8Array.from([...bytes.slice(0, at), ...older.slice(at)])
      const read = decode(mixed)
      const whole = [bytes, older].some((one) =>
        one.length === mixed.length && one.every((byte, i) => byte === mixed[i])
      )
      assert.strictEqual(Result.isSuccess(read), whole, `from byte ${at}`)
    }
  })

  it("is refused when it is larger than any", () => {
    assert.strictEqual(reasonOf(new Uint8Array(MAX_BYTES + 1)), "Torn")
  })
})

describe("a whole file that is no snapshot of this node", () => {
  const cases: ReadonlyArray<readonly [string, Uint8Array, SnapshotFormat.Reason]> = [
    ["another name", signed({ ...head, name: "b" }, peer), "OtherName"],
    ["another label", signed({ ...head, label: "green" }, peer), "OtherLabel"],
    ["a later version", signed({ ...head, version: 2 }, peer), "UnknownVersion"],
    ["another format", signed({ ...head, format: "other" }, peer), "Malformed"],
    ["no JSON", signed("hello"), "Malformed"],
    ["no line", signed(), "Torn"],
    ["an empty line", signed(""), "Malformed"],
    ["fewer peers than announced", signed(head), "Malformed"],
    ["more peers than announced", signed(head, peer, peer), "Malformed"],
    ["an incarnation above 32 bits", signed({ ...head, incarnation: 2 ** 32 }, peer), "Malformed"],
    ["a negative incarnation", signed({ ...head, incarnation: -1 }, peer), "Malformed"],
    ["a fraction", signed({ ...head, incarnation: 1.5 }, peer), "Malformed"],
    ["no mark", signed({ ...head, left: undefined }, peer), "Malformed"],
    ["a host name for an address", signed(head, { ...peer, ip: "example.org" }), "Malformed"],
    ["an impossible port", signed(head, { ...peer, port: 65_536 }), "Malformed"],
    ["a peer without a name", signed(head, { ...peer, name: undefined }), "Malformed"],
    ["a time before time", signed(head, { ...peer, seen: -1 }), "Malformed"]
  ]

  it.each(cases)("is refused: %s", (_, bytes, reason) => {
    assert.strictEqual(reasonOf(bytes), reason)
  })

  it("is refused when it is not UTF-8", () => {
    const body = Uint8Array.of(0xff, 0xfe, 0x0a)
    const sum = new TextEncoder().encode(`{"crc32":"${crc32(body).toString(16).padStart(8, "0")}"}\n`)
    assert.strictEqual(reasonOf(Uint8Array.from([...body, ...sum])), "Malformed")
  })

  it("says whose it is", () => {
    const read = decode(signed({ ...head, name: "b" }, peer))
    assert.deepStrictEqual(read, Result.fail({ reason: "OtherName", detail: "of the node \"b\"" }))
  })

  it("may have fields that a later release of the same version adds", () => {
    const read = decode(signed({ ...head, more: 1 }, { ...peer, more: 1 }))
    assert.deepStrictEqual(read, Result.succeed({ ...snapshot, peers: [peer] }))
  })
})

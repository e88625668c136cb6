/** Against the package `dns-packet`, which reads and writes all of DNS. */
import { assert, describe, it } from "@effect/vitest"
import * as DnsPacket from "dns-packet"
import * as Host from "effect/net/Host"
import * as DnsMessage from "../../src/node/DnsMessage.ts"

const NAME = "seeds.cluster.test"

/** An answer with records of many kinds, whose names are spelt out or refer to the question's. */
const answers: ReadonlyArray<DnsPacket.Answer> = [
  { type: "CNAME", name: NAME, data: "other.test" },
  { type: "A", name: "other.test", ttl: 30, data: "10.0.0.1" },
  { type: "A", name: "other.test", class: "CH", data: "10.0.0.2" },
  { type: "TXT", name: "other.test", data: ["some", "text"] },
  { type: "AAAA", name: "other.test", data: "fd00::1" },
  { type: "AAAA", name: "other.test", data: "::ffff:10.0.0.3" }
]

const encoded = (packet: DnsPacket.Packet) =>
  DnsPacket.encode({
    type: "response",
    id: 513,
    questions: [{ type: "A", name: NAME }],
    additionals: [{ type: "A", name: "additional.test", data: "10.9.9.9" }],
    ...packet
  })

describe("a DNS question", () => {
  for (const type of ["A", "AAAA", "SRV"] as const) {
    for (const [written, name] of [[NAME, NAME], [`${NAME}.`, NAME], ["bücher.example", "xn--bcher-kva.example"]]) {
      it(`for ${type} of ${written} is what the package writes`, () => {
        const question = DnsMessage.question(65_535, type, Host.domainNameFromStringUnsafe(written ?? ""))
        const same = DnsPacket.streamEncode({
          type: "query",
          id: 65_535,
          flags: DnsPacket.RECURSION_DESIRED,
          questions: [{ type, name: name ?? "" }]
        })
        assert.strictEqual(Buffer.from(question).toString("hex"), same.toString("hex"))
      })
    }
  }
})

describe("a DNS answer about a service", () => {
  const services = [
    { priority: 10, weight: 5, port: 7946, name: "a.cluster.test" },
    { priority: 0, weight: 65_535, port: 1, name: NAME }
  ]
  const about = encoded({
    questions: [{ type: "SRV", name: NAME }],
    answers: services.map(({ name: target, ...data }) => ({ type: "SRV", name: NAME, data: { ...data, target } })),
    additionals: []
  })
  /** With a name of the last record that is `bytes`. */
  const ending = (bytes: ReadonlyArray<number>) => {
    const whole = Buffer.concat([about.subarray(0, about.length - NAME.length - 2), Buffer.from(bytes)])
    whole.writeUInt16BE(6 + bytes.length, whole.length - bytes.length - 8)
    return whole
  }

  it("gives its hosts, ports, priorities and weights", () =>
    assert.deepStrictEqual(DnsMessage.answer(about), { id: 513, addresses: [], services }))

  it("may refer to names elsewhere in it", () => {
    assert.deepStrictEqual(DnsMessage.answer(ending([0xc0, 12]))?.services, services)
    assert.deepStrictEqual(DnsMessage.answer(ending([1, 120, 0xc0, 12]))?.services[1]?.name, `x.${NAME}`)
  })

  for (
    const [what, bytes] of [
      ["itself", (at: number) => [0xc0 | (at >> 8), at & 255]],
      ["what is behind it", (at: number) => [0xc0 | (at >> 8), (at & 255) + 4, 0, 0, 0, 0]],
      ["beyond the end", () => [0xff, 0xff]],
      ["nowhere", () => [0xc0]]
    ] as const
  ) {
    it(`is none when a name refers to ${what}`, () =>
      assert.isUndefined(DnsMessage.answer(ending(bytes(about.length - NAME.length - 2)))))
  }

  it("is none when a name is too long, or has a label of a kind that does not exist, or its data is missing", () => {
    const label = [63, ...Buffer.from("x".repeat(63))]
    assert.isUndefined(DnsMessage.answer(ending([...label, ...label, ...label, ...label, 0])))
    assert.isUndefined(DnsMessage.answer(ending([0x45, 1, 0])))
    assert.isUndefined(DnsMessage.answer(ending([])))
  })

  it("that is cut anywhere is none", () => {
    for (let length = 0; length < about.length; length++) {
      assert.isUndefined(DnsMessage.answer(about.subarray(0, length)), `${length} of ${about.length} bytes`)
    }
  })
})

describe("a DNS answer", () => {
  it("gives its address records of the Internet, and no others", () => {
    assert.deepStrictEqual(DnsMessage.answer(encoded({ answers: [...answers] })), {
      id: 513,
      addresses: ["10.0.0.1", "fd00::1", "10.0.0.3"],
      services: []
    })
  })

  it("may have no records", () => {
    assert.deepStrictEqual(DnsMessage.answer(encoded({ answers: [] })), { id: 513, addresses: [], services: [] })
  })

  it("may refer to names elsewhere in it", () => {
    const plain = encoded({ answers: [{ type: "A", name: NAME, data: "10.0.0.1" }], additionals: [] })
    const name = Buffer.from(`\x05seeds\x07cluster\x04test\0`, "latin1")
    const second = plain.indexOf(name, plain.indexOf(name) + 1)
    const referring = Buffer.concat([
      plain.subarray(0, second),
      Buffer.from([0xc0, 12]),
      plain.subarray(second + name.length)
    ])
    assert.deepStrictEqual(DnsPacket.decode(referring).answers?.[0]?.name, NAME)
    assert.deepStrictEqual(DnsMessage.answer(referring), { id: 513, addresses: ["10.0.0.1"], services: [] })
  })

  it("that is cut anywhere is none", () => {
    const whole = encoded({ answers: [...answers], additionals: [] })
    for (let length = 0; length < whole.length; length++) {
      assert.isUndefined(DnsMessage.answer(whole.subarray(0, length)), `${length} of ${whole.length} bytes`)
    }
    assert.isDefined(DnsMessage.answer(whole))
  })

  it("with a label of a kind that does not exist is none", () => {
    const bytes = encoded({ answers: [...answers] })
    bytes[12] = 0x45
    assert.isUndefined(DnsMessage.answer(bytes))
  })

  it("that is a question is none", () => {
    assert.isUndefined(DnsMessage.answer(DnsPacket.encode({ type: "query", questions: [{ type: "A", name: NAME }] })))
  })
})

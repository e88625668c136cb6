import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Requests from "../../../src/swim/probing/Requests.ts"
import { ip } from "../../support/Rules.ts"

const from = { ip: "10.0.0.1", port: 7946 }
const source = (sourceAddr: Uint8Array, sourcePort: number, sourceNode = "asker") => ({
  sourceAddr,
  sourcePort,
  sourceNode
})
const none = new Uint8Array()
const everywhere = () => true

/** What a request says of its source, and whether that is another place than `from`. */
const sources: ReadonlyArray<readonly [what: string, source: Requests.Source, elsewhere: boolean]> = [
  ["the place it came from", source(ip(1), 7946), false],
  ["another address", source(ip(2), 7946), true],
  ["another port", source(ip(1), 7947), true],
  ["no address", source(none, 7946), false],
  ["no port", source(ip(2), 0), false],
  ["nothing", source(none, 0, ""), false],
  ["an address of no length that there is", source(new Uint8Array(3), 7946), true]
]

describe("a ping", () => {
  it.each([["", "a", false], ["a", "a", false], ["b", "a", true], ["A", "a", true]])(
    "for \"%s\" at \"%s\" is for another: %s",
    (wanted, self, expected) => assert.strictEqual(Requests.isForAnother(wanted, self), expected)
  )
})

describe("a request", () => {
  it.each(sources)("of a member that names %s comes first unless that is elsewhere", (_, request, elsewhere) => {
    assert.strictEqual(Requests.comesFirst(request, from, true), !elsewhere)
    assert.isFalse(Requests.comesFirst(request, from, false))
  })

  it("is too late once the probe timeout is over, not before", () => {
    assert.isFalse(Requests.isTooLate(0, 500))
    assert.isFalse(Requests.isTooLate(500, 500))
    assert.isTrue(Requests.isTooLate(500.1, 500))
  })
})

describe("an answer", () => {
  it.each([
    [source(ip(1), 7946), "10.0.0.1:7946"],
    [source(ip(2), 7000), "10.0.0.2:7000"],
    [source(none, 7000), "10.0.0.1:7946"],
    [source(ip(2), 0), "10.0.0.1:7946"],
    [source(new Uint8Array(3), 7000), "10.0.0.1:7946"]
  ])("goes where the request says, else where it came from (%#)", (request, expected) => {
    const to = Requests.answerTo(request, from, everywhere)
    assert.strictEqual(`${to?.ip}:${to?.port}`, expected)
    assert.strictEqual(to?.name, "asker")
  })

  it("goes nowhere where the named address may not be contacted; the one it came from was checked", () => {
    const nowhere = () => false
    assert.isUndefined(Requests.answerTo(source(ip(2), 7000), from, nowhere))
    assert.deepStrictEqual(Requests.answerTo(source(none, 0), from, nowhere), { ...from, name: "asker" })
  })
})

describe("a relay", () => {
  const most = 1024
  const isCrowded = (load: Requests.Load) => Requests.relayRefusal(ip(9), everywhere, load) === "TooManyRelays"

  it("is counted for a member by its address, and for all strangers together", () => {
    const others = [from, { ip: "10.0.0.1", port: 1 }, { ip: "10.0.0.2", port: 7946 }]
    assert.strictEqual(new Set(others.map((at) => Requests.accountOf(at, true))).size, 3)
    assert.strictEqual(new Set(others.map((at) => Requests.accountOf(at, false))).size, 1)
    assert.notInclude(others.map((at) => Requests.accountOf(at, true)), Requests.accountOf(from, false))
    assert.strictEqual(Requests.accountOf({ ...from, name: "a" }, true), Requests.accountOf(from, true))
  })

  it.each([
    // own, member, all, refused
    [0, true, 0, false],
    [Requests.MAX_PER_MEMBER - 1, true, 100, false],
    [Requests.MAX_PER_MEMBER, true, 100, true],
    [Requests.MAX_PER_MEMBER, false, 100, false],
    [Requests.MAX_FOR_STRANGERS - 1, false, 200, false],
    [Requests.MAX_FOR_STRANGERS, false, 200, true],
    [1, true, most / 2 - 1, false],
    [1, true, most / 2, true],
    [0, true, most / 2, false],
    [0, false, most - 1, false],
    [0, true, most, true],
    [0, false, most, true]
  ])("for who has %i (a member: %s) while there are %i is refused: %s", (own, isMember, all, expected) => {
    assert.strictEqual(isCrowded({ own, isMember, all, most }), expected)
  })

  it("is refused for a target without an address, then for one that may not be contacted, then for too many", () => {
    const free = { own: 0, isMember: true, all: 0, most }
    const full = { ...free, all: most }
    const nowhere = () => false
    for (const load of [free, full]) {
      for (const length of [0, 3, 5, 15, 17]) {
        assert.strictEqual(Requests.relayRefusal(new Uint8Array(length), nowhere, load), "InvalidAddress")
      }
      assert.strictEqual(Requests.relayRefusal(ip(9), nowhere, load), "TargetNotAllowed")
    }
    assert.strictEqual(Requests.relayRefusal(ip(9), everywhere, full), "TooManyRelays")
    assert.isUndefined(Requests.relayRefusal(ip(9), everywhere, free))
    assert.isUndefined(Requests.relayRefusal(new Uint8Array(16), everywhere, free))
  })

  const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

  it.prop(
    "is never more than there may be, and whoever has none is served as long as there is a place",
    [Schema.Array(Schema.Tuple([int(0, 12), Schema.Boolean])), int(2, 40)],
    ([asked, most]) => {
      const accounts = new Map<string, number>()
      let all = 0
      for (const [who, isMember] of asked) {
        const account = Requests.accountOf({ ip: "10.0.0.1", port: who }, isMember)
        const own = accounts.get(account) ?? 0
        const crowded = isCrowded({ own, isMember, all, most })
        if (own === 0) assert.strictEqual(crowded, all >= most)
        if (crowded) continue
        accounts.set(account, own + 1)
        all++
      }
      assert.isAtMost(all, most)
    }
  )
})

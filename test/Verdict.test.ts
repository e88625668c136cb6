import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { Reachability } from "../src/Reachability.ts"
import { Verdict } from "../src/Verdict.ts"

const verdict = (more: Partial<typeof Verdict.Encoded> = {}): Verdict =>
  new Verdict({
    node: "self",
    member: "orders-2",
    incarnation: 3,
    outcome: "failed",
    reason: "Expired",
    from: "self",
    at: DateTime.makeUnsafe(0),
    suspicion: {
      accuser: "self",
      confirmations: [{ from: "a", after: 300 }, { from: "c", after: 800 }],
      hoped: 2,
      due: 2100,
      lasted: 2100
    },
    probe: {
      direct: "Silent",
      timeout: 500,
      helpers: [{ name: "a", answer: "Nack" }, { name: "b", answer: "Silent" }],
      strayNacks: 0,
      stream: "Refused"
    },
    health: 0,
    ...more as object
  })

const suspicion = { accuser: "x", confirmations: [], hoped: 2, due: 24_000, lasted: 0 }

describe("a verdict as a line", () => {
  it("says what was tried, who confirmed when, how it ended and how this node was then", () => {
    assert.strictEqual(
      String(verdict()),
      "orders-2 failed: no ack in 500 ms, helpers: a nack, b silent; TCP refused; "
        + "confirmed by a (+0.3 s), c (+0.8 s); expired after 2.1 s; local health 0"
    )
  })

  it.each<[string, Partial<typeof Verdict.Encoded>, string]>([
    [
      "our own probe began it",
      {
        outcome: "suspected",
        reason: "Unanswered",
        suspicion: { ...suspicion, accuser: "self" },
        probe: { direct: "NotSent", timeout: 0, helpers: [], strayNacks: 0, stream: "NotTried" }
      },
      "suspected: ping refused by the network, no helpers; TCP not tried; expires after 24.0 s"
    ],
    [
      "helpers that know no nacks, or answer from elsewhere",
      {
        outcome: "suspected",
        reason: "Unanswered",
        suspicion: { ...suspicion, accuser: "self" },
        probe: {
          direct: "Silent",
          timeout: 1500,
          helpers: [{ name: "old", answer: "CannotTell" }, { name: "b", answer: "Silent" }, {
            name: "c",
            answer: "TooEarly"
          }],
          strayNacks: 1,
          stream: "Silent"
        }
      },
      "suspected: no ack in 1.5 s, helpers: old silent (knows no nacks), b silent, c silent (a nack was not due), nacks from elsewhere: 1; TCP silent; "
      + "expires after 24.0 s"
    ],
    [
      "somebody said so",
      { outcome: "suspected", reason: "Accused", from: "x", suspicion, probe: undefined },
      "suspected: accused by x; not probed by this node; expires after 24.0 s"
    ],
    [
      "a list said so",
      { outcome: "suspected", reason: "Listed", suspicion: { ...suspicion, accuser: "self" }, probe: undefined },
      "suspected: suspect or dead in a peer's list; not probed by this node; expires after 24.0 s"
    ],
    [
      "somebody declared it in our suspicion",
      { reason: "Declared", from: "x", suspicion: { ...suspicion, lasted: 900 }, probe: undefined },
      "failed: accused by x; not probed by this node; declared by x after 900 ms"
    ],
    [
      "somebody declared it, and it was never suspect here",
      { reason: "Declared", from: "x", suspicion: undefined, probe: undefined },
      "failed: declared by x"
    ],
    [
      "it made place",
      { reason: "MadePlace", suspicion: undefined, probe: undefined },
      "failed: nothing ever came from it, and it made place for another"
    ],
    [
      "it said goodbye",
      { outcome: "left", reason: "Goodbye", suspicion: undefined, probe: undefined },
      "left: said goodbye"
    ],
    [
      "it refuted",
      { outcome: "recovered", reason: "Refuted", suspicion: { ...suspicion, lasted: 400 }, probe: undefined },
      "recovered: accused by x; not probed by this node; refuted at incarnation 3 after 400 ms"
    ],
    [
      "another took the name",
      { outcome: "recovered", reason: "Replaced", suspicion: { ...suspicion, lasted: 400 }, probe: undefined },
      "recovered: accused by x; not probed by this node; another node took the name after 400 ms"
    ]
  ])("says why where %s", (_, more, text) => {
    assert.strictEqual(String(verdict(more)), `orders-2 ${text}; local health 0`)
  })

  it.each(["Refused", "Unreachable", "Silent", "Broken", "OtherAnswer", "NotTried"] as const)(
    "has a text of its own for a TCP ping that ended as %s",
    (stream) => {
      const others = (["Refused", "Unreachable", "Silent", "Broken", "OtherAnswer", "NotTried"] as const)
        .filter((other) => other !== stream)
        .map((other) => String(verdict({ probe: { ...verdict().probe!, stream: other } })))
      assert.notInclude(others, String(verdict({ probe: { ...verdict().probe!, stream } })))
    }
  )

  it("shows names as they can be shown, in one line", () => {
    const line = String(verdict({ member: "a\nb", suspicion: { ...suspicion, accuser: "\u001b[2J" } }))
    assert.notInclude(line, "\n")
    assert.notInclude(line, "\u001b")
    assert.include(line, "a\\u{a}b failed")
  })

  it("is read back from what it is encoded as", () => {
    const json = Schema.toCodecJson(Verdict)
    const encoded = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(json)(verdict())))
    assert.deepStrictEqual(Schema.decodeUnknownSync(json)(encoded), verdict())
  })
})

describe("reachability", () => {
  it.each(
    [
      ["works", "works", "works", undefined],
      ["unknown", "unknown", "unknown", undefined],
      ["works", "works", "fails", "TCP is blocked towards"],
      ["fails", "works", "works", "UDP is blocked towards the member, and not from it"],
      ["fails", "unknown", "works", "(MTU)"],
      ["fails", "fails", "works", "(MTU)"],
      ["unknown", "fails", "unknown", "others reach it"]
    ] as const
  )("UDP out %s, in %s and TCP %s has the likely cause %s", (udpOut, udpIn, tcp, cause) => {
    const { likelyCause } = new Reachability({ udpOut, udpIn, tcp, listed: "yes" })
    if (cause === undefined) assert.isUndefined(likelyCause)
    else assert.include(likelyCause ?? "", cause)
  })

  it("is by TCP only where UDP fails in a direction and TCP works", () => {
    assert.isTrue(new Reachability({ udpOut: "fails", udpIn: "works", tcp: "works", listed: "yes" }).tcpOnly)
    assert.isTrue(new Reachability({ udpOut: "unknown", udpIn: "fails", tcp: "works", listed: "yes" }).tcpOnly)
    assert.isFalse(new Reachability({ udpOut: "fails", udpIn: "works", tcp: "unknown", listed: "yes" }).tcpOnly)
    assert.isFalse(new Reachability({ udpOut: "works", udpIn: "works", tcp: "works", listed: "yes" }).tcpOnly)
  })

  it("of a member that does not list this node is impaired, says so, and has the refusal as its likely cause", () => {
    const reachability = new Reachability({ udpOut: "works", udpIn: "works", tcp: "works", listed: "no" })
    assert.isTrue(reachability.impaired)
    assert.strictEqual(String(reachability), "UDP out works, UDP in works, TCP works, does not list this node")
    assert.include(reachability.likelyCause ?? "", "the member refuses this node")
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as PlainText from "../../src/base/PlainText.ts"
import { Member } from "../../src/Member.ts"
import * as MemberlistError from "../../src/MemberlistError.ts"

const hostile = "\u001b[2J\u202ebob\u0085\u200b\u2028\u007f"
const shown = "\\u{1b}[2J\\u{202e}bob\\u{85}\\u{200b}\\u{2028}\\u{7f}"

describe("plain text", () => {
  for (
    const [what, text, expected] of [
      ["a control", "a\u001b[31mb", "a\\u{1b}[31mb"],
      ["a line break and a tab", "a\r\nb\tc", "a\\u{d}\\u{a}b\\u{9}c"],
      ["a C1 control", "a\u009b31m", "a\\u{9b}31m"],
      ["DEL", "a\u007f", "a\\u{7f}"],
      ["a turn of direction", "a\u202etxt.exe\u2066\u2069\u200f", "a\\u{202e}txt.exe\\u{2066}\\u{2069}\\u{200f}"],
      ["a separator of lines", "a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c"],
      ["what has no width", "a\u200b\u200d\ufeff\u00ad\u2060", "a\\u{200b}\\u{200d}\\u{feff}\\u{ad}\\u{2060}"],
      ["a tag, which is beyond 16 bits", "a\u{e0041}", "a\\u{e0041}"],
      ["half a surrogate pair", "a\ud800b", "a\\u{d800}b"],
      ["a letter without a shape", "a\u3164\u115f", "a\\u{3164}\\u{115f}"]
    ] as const
  ) {
    it(`shows ${what} as its code point`, () => {
      assert.strictEqual(PlainText.name(text), expected)
      assert.strictEqual(PlainText.sentence(text), expected)
    })
  }

  it("leaves every ordinary name as it is", () => {
    for (
      const name of ["node-1", "ip-10-0-0-1.eu-central-1.compute.internal", "Zoë", "节点-1", "عقدة", "🚀", "a b", ""]
    ) {
      assert.strictEqual(PlainText.name(name), name)
    }
    assert.strictEqual(PlainText.name("n".repeat(64)), "n".repeat(64))
  })

  it("cuts a long name in the middle, and says how long it is", () => {
    const cut = PlainText.name(`${"a".repeat(30_000)}${"b".repeat(30_000)}`)
    assert.strictEqual(cut, `${"a".repeat(48)}…${"b".repeat(16)} (60000 characters)`)
    assert.isAtMost(PlainText.name("\u001b".repeat(60_000)).length, 450)
    assert.isAtMost(PlainText.sentence("x".repeat(60_000)).length, 1400)
  })

  it.prop(
    "has nothing hidden in it, whatever it was made of, and is not changed when it is made plain again",
    [Arbitrary.schema(Schema.String)],
    ([text]) => {
      const plain = PlainText.sentence(PlainText.name(text))
      assert.notMatch(plain, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      assert.strictEqual(PlainText.name(text), plain)
    }
  )

  it("as JSON has nothing hidden in it either, and is read back as it was", () => {
    const value = { [hostile]: [hostile, "\u{e0041}", "\ud800"], n: 1 }
    assert.notMatch(PlainText.json(value), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    assert.deepStrictEqual(JSON.parse(PlainText.json(value)), value)
    assert.strictEqual(PlainText.json({ name: "node-1" }), "{\"name\":\"node-1\"}")
  })
})

describe("a member with a hostile name", () => {
  it("is printed plainly, and has its name", () => {
    const member = new Member({
      name: hostile,
      addr: Uint8Array.of(10, 0, 0, 1),
      port: 7946,
      meta: new Uint8Array(),
      state: "alive",
      incarnation: 1,
      versions: { min: 1, max: 5, current: 2, delegateMin: 0, delegateMax: 0, delegateCurrent: 0 }
    })
    assert.strictEqual(String(member), `${shown} (10.0.0.1:7946) alive`)
    assert.strictEqual(member.name, hostile)
  })
})

describe("the message of an error", () => {
  const errors = (text: string): ReadonlyArray<MemberlistError.MemberlistError> => {
    const refused = new MemberlistError.RemoteRefused({ address: "10.0.0.1:7946", remoteMessage: text })
    const cause = new Error(text)
    return [
      refused,
      new MemberlistError.JoinFailed({ failed: [{ seed: text, error: refused }] }),
      new MemberlistError.NameConflict({ node: text, ours: "10.0.0.1:1", theirs: "10.0.0.2:1" }),
      new MemberlistError.VersionMismatch({
        kind: "delegate protocol",
        member: { name: text, current: 4, min: 2, max: 5 },
        other: { name: text, current: 0, min: 0, max: 0 }
      }),
      new MemberlistError.JoinRejected({ reason: text }),
      new MemberlistError.JoinRejected({ reason: text, by: text }),
      new MemberlistError.ExchangeRejected({ address: text, reason: "Empty", expected: text }),
      new MemberlistError.SeedInvalid({ seed: text, expected: "a seed" }),
      new MemberlistError.SeedUnresolvable({ host: text, cause }),
      new MemberlistError.NodeNameRequired({ address: text }),
      new MemberlistError.UnknownMember({ target: text }),
      new MemberlistError.PingTimeout({ node: text, timeoutMillis: 500 }),
      new MemberlistError.TransportError({ operation: "open", kind: "Unknown", scope: "Remote", address: text, cause }),
      new MemberlistError.ConfigInvalid({ field: "name", value: text, expected: "a name" }),
      new MemberlistError.AdvertiseAddressInvalid({ value: text, expected: "an address" })
    ]
  }

  it("shows what came from others plainly, while the fields are what came", () => {
    for (const error of errors(hostile)) {
      assert.include(error.message, shown, error._tag)
      assert.notMatch(error.message, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u, error._tag)
    }
    const [refused, , conflict] = errors(hostile)
    assert.strictEqual(refused?._tag === "RemoteRefused" ? refused.remoteMessage : "", hostile)
    assert.strictEqual(conflict?._tag === "NameConflict" ? conflict.node : "", hostile)
  })

  it("is short, however long what came is", () => {
    for (const error of errors("x".repeat(60_000))) assert.isAtMost(error.message.length, 3_000, error._tag)
  })

  it("has ordinary names as they are", () => {
    assert.strictEqual(
      new MemberlistError.NameConflict({ node: "node-1", ours: "10.0.0.1:1", theirs: "10.0.0.2:1" }).message,
      "the name \"node-1\" belongs to 10.0.0.2:1, we are 10.0.0.1:1; expected a name no live member has"
    )
    assert.strictEqual(
      new MemberlistError.JoinRejected({ reason: "wrong region: \"eu\"", by: "10.0.0.1:7946" }).message,
      "rejected by 10.0.0.1:7946: wrong region: \"eu\""
    )
  })
})

/** A peer whose names and texts are made to harm whoever reads a log. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { LogEntry } from "../../../src/engine/telemetry/LogMessages.ts"
import { table, textOf } from "../../../src/engine/telemetry/LogMessages.ts"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, start } from "../../support/Cluster.ts"
import { fakePeer } from "../../support/FakePeer.ts"
import { type Logged, logging, tracing } from "../../support/Telemetry.ts"

const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** Clears a terminal, pretends to be another entry, and is 60 kB long. */
const hostile = (length: number) => `\u001b[2J\n10:00:00 INFO all is well\u202e\u0085\u200b${"x".repeat(length)}`

/** Everything of an entry that reaches a line. */
const texts = ({ annotations, text }: Logged): ReadonlyArray<string> => [
  text,
  ...Object.values(annotations).filter((value) => typeof value === "string")
]

describe("the log, told hostile names and reasons,", () => {
  clusterTest(
    "has no control character and no long line in any entry",
    logging((log) =>
      Effect.gen(function*() {
        const name = hostile(300)
        const config = { pushPullInterval: 0, probeInterval: "500 millis", probeTimeout: "200 millis" } as const
        const a = yield* start("a", "10.0.0.1", {
          config,
          delegate: {
            admit: (member) =>
              member.name.startsWith("no") ? Effect.fail(new JoinRejected({ reason: member.name })) : Effect.void
          }
        })
        const b = yield* start("b", "10.0.0.2", { config })
        const peer = yield* fakePeer("p", "10.0.0.9", {
          onStream: (connection) =>
            Effect.ignore(connection.write(Message.encode({ _tag: "ErrorResponse", error: hostile(60_000) })))
        })
        yield* joinAt(b, a.address)
        yield* peer.send(a, peer.ping(1, name))
        yield* peer.send(a, peer.alive({ node: name, addr: Uint8Array.of(10, 0, 0, 8) }))
        yield* peer.send(a, peer.alive({ node: `no${name}`, addr: Uint8Array.of(10, 0, 0, 7) }))
        yield* TestClock.adjust("100 millis")
        yield* peer.send(a, peer.alive({ node: name, incarnation: 5 }))
        yield* TestClock.adjust("1 second")
        yield* peer.send(a, { _tag: "Suspect", incarnation: 1, node: "a", from: name })
        const nodes = [peer.row({ name: hostile(400), vsn: Uint8Array.of(7, 9, 8, 0, 0, 0) })]
        const answer = yield* peer.ask(a, Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() }))
        if (answer === "closed" || answer._tag !== "ErrorResponse") return assert.fail("the list was not refused")
        assert.notMatch(answer.error, hidden)
        const error = yield* Effect.flip(joinAt(b, peer.ip))
        assert.notMatch(error.message, hidden)
        assert.isAtMost(error.message.length, 2_000)
        const [failed] = error.failed
        assert.include(failed?.error._tag === "RemoteRefused" ? failed.error.remoteMessage : "", "\u001b[2J\n")
        yield* TestClock.adjust("60 seconds")

        const expected: ReadonlyArray<LogEntry> = [
          "PingForAnother",
          "NameConflict",
          "Refuted",
          "ListRefused",
          "SeedFailed",
          "NotAdmitted",
          "MemberSuspected",
          "MemberFailed"
        ]
        for (const entry of expected) {
          const found = log.filter(({ text }) => text.startsWith(textOf(table[entry]).slice(0, 40)))
          assert.isAtLeast(found.length, 1, entry)
          assert.include(found.flatMap(texts).join(" "), "\\u{1b}[2J\\u{a}10:00:00", entry)
        }
        for (const text of log.flatMap(texts)) {
          assert.notMatch(text, hidden)
          assert.isAtMost(text.length, 1_400)
        }
      }), "Debug")
  )
})

describe("spans, told hostile names,", () => {
  clusterTest(
    "have no control character in any attribute",
    tracing((spans) =>
      Effect.gen(function*() {
        const config = { pushPullInterval: 0, probeInterval: "500 millis", probeTimeout: "200 millis" } as const
        const a = yield* start("a", "10.0.0.1", { config })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(a, peer.alive({ node: hostile(300) }))
        yield* Effect.ignore(joinAt(a, `${hostile(300)}/10.0.0.9`))
        yield* TestClock.adjust("3 seconds")
        const attributes = spans.flatMap(({ attributes }) => [...attributes.values()])
        const text = attributes.filter((value) => typeof value === "string")
        assert.isAtLeast(text.filter((value) => value.includes("\\u{1b}[2J\\u{a}")).length, 2)
        for (const value of text) assert.notMatch(value, hidden)
      })
    )
  )
})

/** A firewall that lets TCP pass, and not UDP. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Reachability } from "../../src/index.ts"
import * as Lab from "../Lab.ts"

/** Longer than a suspicion lasts, and than it takes to be sure of a way. */
const BLOCKED = 25

const Answer = Schema.Struct({ reachability: Reachability })

const reachability = (from: Lab.Member, of: Lab.Member) =>
  Effect.flatMap(
    from.call("reachability", { of: of.name }),
    (answer) => Effect.orDie(Schema.decodeUnknownEffect(Answer)(answer))
  ).pipe(Effect.map((answer) => answer.reachability))

type Direction = "to" | "to and from"

const blocked = (direction: Direction): Lab.Scenario => ({
  group: "UDP blocked, TCP open",
  asserted:
    `3 of ours: UDP ${direction} one is dropped for ${BLOCKED} s: it stays a member, and \`reachability\` tells`,
  settings: "LAN",
  needsGo: false,
  seconds: BLOCKED + 5,
  body: (lab) =>
    Effect.gen(function*() {
      const members = yield* Lab.cluster(lab, ["ours", "ours", "ours"])
      const [a, b, c] = members
      if (a === undefined || b === undefined || c === undefined) return yield* Effect.die("three members")
      const cost = yield* Lab.watch(members)
      yield* c.host.dropUdpFrom(a.host, b.host)
      if (direction === "to and from") { for (const { host } of [a, b]) yield* host.dropUdpFrom(c.host) }
      yield* Effect.sleep(BLOCKED * 1000)
      yield* Lab.whole(members, 0)
      const { failed, ours } = yield* cost
      yield* Lab.claim(failed.length === 0, `failed, and were well: ${failed.join(", ")}`)
      const ways = yield* reachability(a, c)
      yield* Lab.claim(ways.tcpOnly && ways.udpOut === "fails", `a says of c: ${String(ways)}`)
      yield* Lab.claim(!(yield* reachability(a, b)).impaired, "a says that it does not reach b well")
      return `${String(ways)}; ${ours} suspected`
    })
})

export const scenarios: ReadonlyArray<Lab.Scenario> = [blocked("to"), blocked("to and from")]

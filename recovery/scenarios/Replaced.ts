/** A container that is replaced: the same name, a new address. */
import * as Effect from "effect/Effect"
import type { PeerError } from "../../interop/Peer.ts"
import * as Lab from "../Lab.ts"

/** What a new process adds to what is asserted, on a busy machine. */
const TOLERANCE = 4

/** Joins again and again, as a container does, until somebody lets it in. */
const joinUntilIn = (member: Lab.Member, seed: Lab.Member): Effect.Effect<void, PeerError> =>
  Effect.matchEffect(member.join(seed.address), {
    onFailure: (error) =>
      error._tag === "PeerRefused"
        ? Effect.andThen(Effect.sleep("200 millis"), Effect.suspend(() => joinUntilIn(member, seed)))
        : Effect.fail(error),
    onSuccess: () => Effect.void
  })

/** Until all see the new one; the end of the clock is that of the last. */
const backAt = Effect.fnUntraced(function*(others: ReadonlyArray<Lab.Member>, back: Lab.Member, limit: number) {
  yield* Lab.whole([...others, back], limit)
  return Date.now()
})

const three = Effect.fnUntraced(function*(lab: Lab.Lab, kinds: ReadonlyArray<Lab.Kind>) {
  const [a, b, c] = yield* Lab.cluster(lab, kinds)
  return a === undefined || b === undefined || c === undefined
    ? yield* Effect.die("three members")
    : { a, b, c, others: [a, b] }
})

const group = "A container replaced under its name at a new address"

const afterGoodbye = (kinds: ReadonlyArray<Lab.Kind>, which: string): Lab.Scenario => ({
  group,
  asserted: `${which}: after a goodbye, back within a probe interval`,
  settings: "LAN",
  needsGo: kinds.includes("go"),
  seconds: 10,
  body: (lab) =>
    Effect.gen(function*() {
      const { a, c, others } = yield* three(lab, kinds)
      yield* c.call("shutdown")
      const back = yield* lab.start("ours", "c")
      const began = Date.now()
      yield* joinUntilIn(back, a)
      const seconds = ((yield* backAt(others, back, 1 + TOLERANCE)) - began) / 1000
      return `back ${Lab.seconds(seconds)} after its start`
    })
})

const afterKill: Lab.Scenario = {
  group,
  asserted: "3 of ours: after kill -9, back as soon as the former was found dead",
  settings: "LAN",
  needsGo: false,
  seconds: 20,
  body: (lab) =>
    Effect.gen(function*() {
      const { a, b, c, others } = yield* three(lab, ["ours", "ours", "ours"])
      yield* c.kill
      const killed = Date.now()
      const back = yield* lab.start("ours", "c")
      yield* joinUntilIn(back, a)
      const at = yield* backAt(others, back, 30)
      const dead = Math.min(...[a, b].flatMap((member) => Lab.changes(member, "failed", killed).map(({ at }) => at)))
      const found = (dead - killed) / 1000
      const seconds = (at - dead) / 1000
      yield* Lab.claim(seconds <= 1 + TOLERANCE, `back ${Lab.seconds(seconds)} after it was found dead`)
      return `found dead after ${Lab.seconds(found)}, back ${Lab.seconds(seconds)} later`
    })
}

/**
 * Go reserves the name of a dead member for its address until it forgets it, after 30 s and at the end of a round of three
 * probes. It hears of the new address by a push/pull, and begins one every 30 s. The rest is for the machine.
 */
const GO_LEARNS = 30 + 3 + 30 + 12

const afterKillWithGo: Lab.Scenario = {
  group,
  asserted: "2 of ours, 1 Go: after kill -9, back at ours when it was found dead, at Go when it forgets",
  settings: "LAN",
  needsGo: true,
  seconds: 50,
  body: (lab) =>
    Effect.gen(function*() {
      const { a, b, c } = yield* three(lab, ["ours", "go", "ours"])
      yield* c.kill
      const killed = Date.now()
      const back = yield* lab.start("ours", "c")
      yield* joinUntilIn(back, a)
      const sees = (member: Lab.Member) =>
        Effect.map(
          member.members,
          (table) => table.some(({ ip, name, state }) => name === "c" && ip === back.ip && state === "alive")
        )
      yield* Lab.within("back at ours", 30, sees(a))
      const atOurs = (Date.now() - killed) / 1000
      yield* Lab.within("back at Go", GO_LEARNS, sees(b))
      const atGo = (Date.now() - killed) / 1000
      yield* Lab.whole([a, b, back], TOLERANCE)
      return `back at ours ${Lab.seconds(atOurs)} after the kill, at Go ${Lab.seconds(atGo)}`
    })
}

export const scenarios: ReadonlyArray<Lab.Scenario> = [
  afterGoodbye(["ours", "ours", "ours"], "3 of ours"),
  afterGoodbye(["ours", "go", "ours"], "2 of ours, 1 Go"),
  afterKill,
  afterKillWithGo
]

/** A network that breaks and comes back: who is together again, how soon, and at what cost. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { PeerError } from "../../interop/Peer.ts"
import * as Lab from "../Lab.ts"

/** The longest that a split may last after the network's return, in seconds. */
const LIMIT = 120
/** How long it is watched that a split remains, where nothing is to heal it: every side could have tried six times. */
const REMAINS = 60

interface Split {
  readonly kinds: ReadonlyArray<Lab.Kind>
  /** The names of those that are cut off from the others; nobody: the switch has no power, and each is alone. */
  readonly cutOff: string
  readonly seconds: number
  readonly recovery: boolean
}

/** Breaks the network for a while, and sees to it that somebody was declared failed meanwhile. */
const breakFor = Effect.fnUntraced(function*(lab: Lab.Lab, { cutOff, seconds }: Split) {
  const began = Date.now()
  yield* cutOff === ""
    ? lab.network.powerOff
    : lab.network.cutOff(lab.members.filter(({ name }) => cutOff.includes(name)).map(({ host }) => host))
  yield* Effect.sleep(seconds * 1000)
  for (const member of lab.members) {
    const failed = Lab.changes(member, "failed", began).length
    yield* Lab.claim(failed > 0, `the cut was too short: nobody failed at ${member.name}`)
  }
  yield* lab.network.restore
})

type Body = Effect.Effect<string, Lab.Failure, Scope.Scope>

const heals = (lab: Lab.Lab, split: Split): Body =>
  Effect.gen(function*() {
    const members = yield* Lab.cluster(lab, split.kinds)
    yield* breakFor(lab, split)
    const cost = yield* Lab.watch(members)
    const seconds = yield* Lab.whole(members, LIMIT)
    // longer than a suspicion lasts: what began at the return has ended
    yield* Effect.sleep("8 seconds")
    yield* Lab.whole(members, 0)
    const { failed, go, ours, tries } = yield* cost
    yield* Lab.claim(failed.length === 0, `failed, and were well: ${failed.join(", ")}`)
    yield* isTold(members, split)
    const accused = [`${ours} suspected at ours`, ...(split.kinds.includes("go") ? [`${go} at Go`] : [])]
    return `whole after ${Lab.seconds(seconds)}, tries: ${tries}; ${accused.join(", ")}`
  })

/** After a minute, one of ours that was alone has told of the split, and of its end. */
const isTold = (members: ReadonlyArray<Lab.Member>, { cutOff, seconds }: Split): Effect.Effect<void, Lab.Refuted> => {
  const alone = members.find(({ kind, name }) => kind === "ts" && name === cutOff)
  if (alone === undefined || seconds < 60) return Effect.void
  const told = (["SplitSuspected", "Healed"] as const).map((tag) => `${Lab.told(alone, tag).length} ${tag}`).join()
  const ended = Lab.told(alone, "Healed").at(-1)?.endsWith("missing: ") === true
  return Lab.claim(
    told === "1 SplitSuspected,2 Healed" && ended,
    `${alone.name} told ${told}, and ${ended ? "" : "not "}its end`
  )
}

/** Nobody comes back by itself; one join does it, so the network is not to blame. */
const remains = (lab: Lab.Lab, split: Split): Body =>
  Effect.gen(function*() {
    const members = yield* Lab.cluster(lab, split.kinds, () => ({ recovery: false }))
    yield* breakFor(lab, split)
    const together = yield* Effect.option(Lab.whole(members, REMAINS))
    yield* Lab.claim(together._tag === "None", "whole again, although nothing was to heal it")
    yield* joinsAgain(members)
    const seconds = yield* Lab.whole(members, LIMIT)
    return `still split after ${REMAINS} s; whole ${Lab.seconds(seconds)} after a join`
  })

const joinsAgain = (members: ReadonlyArray<Lab.Member>): Effect.Effect<void, PeerError> =>
  Effect.forEach(members.slice(1), (member) => member.join(members[0]?.address ?? ""), { discard: true })

const count = (kinds: ReadonlyArray<Lab.Kind>): string => {
  const go = kinds.filter((kind) => kind === "go").length
  return go === 0 ? `${kinds.length} of ours` : `${kinds.length - go} of ours, ${go} Go`
}

const who = (kinds: ReadonlyArray<Lab.Kind>, cutOff: string): string => {
  if (cutOff.length > 1) return `${cutOff.length}`
  if (!kinds.includes("go")) return "one"
  return kinds[Lab.NAMES.indexOf(cutOff)] === "go" ? "a Go member" : "one of ours"
}

const scenario = (split: Split): Lab.Scenario => {
  const { cutOff, kinds, recovery, seconds } = split
  const cut = cutOff === "" ? "each alone, links down" : `${who(kinds, cutOff)} cut off`
  const result = recovery ? "whole again by itself" : "stays split, until somebody joins"
  return {
    group: "Split and heal",
    asserted: `${count(kinds)}: ${cut} for ${seconds} s: ${result}`,
    settings: recovery ? "LAN" : "LAN, `recovery: false`",
    needsGo: kinds.includes("go"),
    seconds: seconds + (recovery ? 25 : REMAINS + 10),
    body: (lab) => recovery ? heals(lab, split) : remains(lab, split)
  }
}

const five: ReadonlyArray<Lab.Kind> = ["ours", "ours", "ours", "ours", "ours"]
const ours: ReadonlyArray<Lab.Kind> = ["ours", "ours", "ours"]
const oneGo: ReadonlyArray<Lab.Kind> = ["ours", "ours", "go"]
const twoGo: ReadonlyArray<Lab.Kind> = ["ours", "go", "go"]

export const scenarios: ReadonlyArray<Lab.Scenario> = [
  ...[15, 60].flatMap((seconds) => [true, false].map((recovery) => ({ kinds: ours, cutOff: "c", seconds, recovery }))),
  { kinds: five, cutOff: "de", seconds: 40, recovery: true },
  { kinds: ours, cutOff: "", seconds: 15, recovery: true },
  ...[15, 60].map((seconds) => ({ kinds: oneGo, cutOff: "c", seconds, recovery: true })),
  { kinds: oneGo, cutOff: "c", seconds: 15, recovery: false },
  // ours is alone, and then one of two
  ...[15, 60].map((seconds) => ({ kinds: twoGo, cutOff: "a", seconds, recovery: true })),
  { kinds: twoGo, cutOff: "c", seconds: 15, recovery: true }
].map(scenario)

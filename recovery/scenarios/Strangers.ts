/** The address of a lost member, or of a seed, belongs to another cluster today. */
import * as Effect from "effect/Effect"
import * as Lab from "../Lab.ts"

/** Each side tries every two seconds instead of every ten, so that what must not happen is tried often. */
const settings: Lab.Options = { label: "blue", healIntervalMs: 2000 }
const TRIES = 4

interface Stranger {
  /** What is different. */
  readonly what: string
  /** Whether it is asked so much that it is put aside; the others are not connected to. */
  readonly putAside: boolean
  readonly name: string
  readonly options: Lab.Options
  /** Whether it is at a seed's address, and not only at that of a lost member. */
  readonly seed: boolean
}

const scenario = (stranger: Stranger): Lab.Scenario => ({
  group: "A remembered address that another cluster has taken over",
  asserted: `${stranger.what}: not merged; ${stranger.putAside ? "put aside, and told" : "never connected to"}`,
  settings: "LAN, `healInterval` 2 s",
  needsGo: false,
  seconds: 30,
  body: (lab) =>
    Effect.gen(function*() {
      const seed = yield* lab.start("ours", stranger.seed ? "c" : "a", settings)
      const others = yield* Effect.forEach(stranger.seed ? ["a", "b"] : ["b", "c"], (name) =>
        Effect.tap(lab.start("ours", name, settings), (member) => member.join(seed.address)))
      const all = [seed, ...others]
      yield* Lab.whole(all, 20)
      const blue = all.filter(({ name }) =>
        name !== "c"
      )
      const lost = all.find(({ name }) => name === "c")
      if (lost === undefined) return yield* Effect.die("three members")
      // each has heard from each, so that each remembers the lost one
      yield* Effect.sleep("4 seconds")
      yield* lost.kill
      const found = yield* Lab.whole(blue, 40)
      // the obituary is gossiped to the dead as well, for a while: whoever is at its address and has its name contradicts
      yield* Effect.sleep("3 seconds")

      const before = yield* Lab.tries(blue)
      const other = { ...settings, ...stranger.options }
      const taken = yield* lab.start("ours", stranger.name, other, lost.host)
      const friend = yield* lab.start("ours", "d", other)
      yield* friend.join(taken.address)
      yield* stranger.putAside
        ? Lab.within("put aside by all", 60, Effect.sync(() => putAside(blue).length >= blue.length))
        : Lab.within(`tried ${TRIES} times`, 60, Effect.map(Lab.tries(blue), (now) => now >= before + TRIES))
      // a try that was merged by mistake would be everywhere by now
      yield* Effect.sleep("3 seconds")
      yield* Lab.whole(blue, 0)
      yield* Lab.whole([taken, friend], 0)
      const told = putAside(blue)
      const tried = `tries: ${(yield* Lab.tries(blue)) - before}, found lost after ${Lab.seconds(found)}`
      if (stranger.putAside) return `${tried}; told: ${beginning(told[0] ?? "")}`
      const streams = yield* Lab.counted([taken, friend], "stream.")
      yield* Lab.claim(streams === 0, `${streams} streams were refused there`)
      yield* Lab.claim(told.length === 0, `told: ${told.join()}`)
      return `${tried}; no stream was opened to it`
    })
})

/** What fits into a table. */
const beginning = (text: string) => text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`
const LONGEST = 90

const putAside = (members: ReadonlyArray<Lab.Member>) => members.flatMap((member) => Lab.told(member, "PutAside"))

const strangers: ReadonlyArray<Stranger> = [
  {
    what: "the same name, another label, where a lost member was",
    putAside: false,
    name: "c",
    options: { label: "green" },
    seed: false
  },
  {
    what: "another name, the same label, where a lost member was",
    putAside: false,
    name: "x",
    options: {},
    seed: false
  },
  {
    what: "the same name and label, other delegate versions, where a lost member was",
    putAside: true,
    name: "c",
    options: { delegateProtocol: [2, 5, 4] },
    seed: false
  },
  {
    what: "the same name, another label, where a seed was",
    putAside: true,
    name: "c",
    options: { label: "green" },
    seed: true
  }
]

export const scenarios: ReadonlyArray<Lab.Scenario> = strangers.map(scenario)

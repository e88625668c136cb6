/** Members that are killed and started again from their snapshots, without seeds. */
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Lab from "../Lab.ts"

/** Longer than a snapshot waits for more changes. */
const WRITTEN = "4 seconds"

/** How long the way back may take, from the end of the last start. */
const BACK = 10

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "recovery-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A cluster of which ours keep snapshots, and what starts one of them again, at its address. */
const remembering = Effect.fnUntraced(function*(lab: Lab.Lab, kinds: ReadonlyArray<Lab.Kind>) {
  const path = yield* folder
  const optionsOf = (name: string): Lab.Options => ({ snapshot: join(path, name) })
  const members = yield* Lab.cluster(lab, kinds, optionsOf)
  yield* Effect.sleep(WRITTEN)
  return { members, again: ({ host, name }: Lab.Member) => lab.start("ours", name, optionsOf(name), host) }
})

const group = "Killed, and started again from snapshots"

const all = (count: number): Lab.Scenario => ({
  group,
  asserted: `${count} of ours: kill -9 of all, all started again together: whole without seeds`,
  settings: "LAN",
  needsGo: false,
  seconds: 15,
  body: (lab) =>
    Effect.gen(function*() {
      const { again, members } = yield* remembering(lab, Array.from({ length: count }, () => "ours"))
      yield* Effect.forEach(members, ({ kill }) => kill, { concurrency: "unbounded" })
      const back = yield* Effect.forEach(members, again, { concurrency: "unbounded" })
      const seconds = yield* Lab.whole(back, BACK)
      yield* Effect.sleep("5 seconds")
      yield* Lab.whole(back, 0)
      return `whole ${Lab.seconds(seconds)} after the last start`
    })
})

const one: Lab.Scenario = {
  group,
  asserted: "2 of ours, 1 Go: kill -9 of one of ours, found dead, and started again: back without seeds",
  settings: "LAN",
  needsGo: true,
  seconds: 25,
  body: (lab) =>
    Effect.gen(function*() {
      const { again, members } = yield* remembering(lab, ["ours", "go", "ours"])
      const [a, b, c] = members
      if (a === undefined || b === undefined || c === undefined) return yield* Effect.die("three members")
      yield* c.kill
      const dead = yield* Lab.whole([a, b], 30)
      const back = yield* again(c)
      const seconds = yield* Lab.whole([a, b, back], BACK)
      yield* Effect.sleep("5 seconds")
      yield* Lab.whole([a, b, back], 0)
      return `found dead after ${Lab.seconds(dead)}; back everywhere ${Lab.seconds(seconds)} after its start`
    })
}

export const scenarios: ReadonlyArray<Lab.Scenario> = [all(3), all(5), one]

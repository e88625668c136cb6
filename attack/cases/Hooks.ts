/** Hooks of an application that do wrong. */
import type { Bench, Case, Outcome } from "../Case.ts"
import { sleep, within } from "../cluster/Session.ts"
import { startOurs, type Victim } from "../cluster/Victim.ts"
import type { Figures } from "../Verdict.ts"
import type { Misbehaviour } from "../victim/Misbehaviour.ts"

const WATCHED = 3
/** For the hook that gives far too much; elsewhere a stop is only told. */
const STOP_LIMIT = 100
/** A farewell may take `leaveTimeout`, which is 5 s. */
const CLOSE_SECONDS = 8
const START_MILLIS = 20_000
const JOIN_MILLIS = 12_000

const TINY: Misbehaviour = "broadcasts are 200,000 tiny ones"
/** Nobody is let in without its answer, ourselves included: the start has to end, not to succeed. */
const UNADMITTED: Misbehaviour = "admit never ends"

const nameOf = (misbehaviour: Misbehaviour): string => `hooks: ${misbehaviour}`

/** What an effort came to: "ok", why it failed, or that it did not end. */
const effort = async (millis: number, effort: Promise<unknown>): Promise<string> => {
  try {
    const done = await within(millis, effort.then(() => true))
    return done === undefined ? `did not end within ${millis / 1000} s` : "ok"
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const hook = (misbehaviour: Misbehaviour) => async (bench: Bench): Promise<Outcome> => {
  const { library, session } = bench
  const broken: Array<string> = []
  const blame = (what: string, came: string) => {
    if (came !== "ok") broken.push(`${what}: ${came}`)
  }
  bench.say("starts two nodes")
  const peer = await startOurs(session, library, { name: "boris" })
  const starting = startOurs(session, library, { name: "anna", misbehaviour })
  const started = await effort(START_MILLIS, starting)
  if (misbehaviour === UNADMITTED && /JoinRejected/.test(started)) {
    return {
      sent: "a start",
      figures: {},
      broken,
      notes: ["the start ended with JoinRejected, as the hook's silence says"]
    }
  }
  blame("start", started)
  if (broken.length > 0) return { sent: "a start", figures: {}, broken, notes: [] }
  const victim = await starting
  bench.say("joins")
  blame("join", await effort(JOIN_MILLIS, victim.join(peer.port)))
  await victim.forget()
  bench.say(`watches for ${WATCHED} s`)
  await sleep(WATCHED * 1000)
  const report = await victim.report([], 10_000)
  const counters = report?.counters ?? {}
  const restarts = sum(counters, "fiber.restarted")
  if (restarts > 0) broken.push(`${restarts} restarts of loops`)
  const figures: Figures = { longestStop: report?.longestStop }
  if (misbehaviour === TINY && (figures.longestStop ?? 0) > STOP_LIMIT) {
    broken.push(`stood still for ${figures.longestStop?.toFixed(0)} ms`)
  }
  bench.say("closes")
  const took = await closing(victim)
  blame("close", took.came)
  return {
    sent: "a start, a join and a close",
    figures,
    broken,
    notes: [`close took ${took.millis.toFixed(0)} ms`, `${sum(counters, "hook.died")} calls of hooks counted as died`]
  }
}

const closing = async ({ child }: Victim): Promise<{ readonly came: string; readonly millis: number }> => {
  const began = performance.now()
  const came = await effort(CLOSE_SECONDS * 1000, child.ask("close"))
  return { came, millis: performance.now() - began }
}

const sum = (counters: Readonly<Record<string, number>>, name: string): number =>
  Object.entries(counters).filter(([key]) => key === name || key.startsWith(`${name}:`)).reduce((a, [, b]) => a + b, 0)

const caseOf = (misbehaviour: Misbehaviour): Case => ({
  name: nameOf(misbehaviour),
  promise: "start, join and close end, and no loop is restarted",
  against: ["ours"],
  since: "quick",
  isQuiet: true,
  seconds: () => 8,
  run: hook(misbehaviour)
})

export const hooks: ReadonlyArray<Case> = [
  caseOf("local state is undefined"),
  caseOf("broadcasts is undefined"),
  caseOf("broadcasts is 5"),
  {
    ...caseOf(TINY),
    isQuiet: false,
    promise: `no loop is restarted, and the event loop does not stand still for more than ${STOP_LIMIT} ms`
  },
  caseOf("local state never ends"),
  { ...caseOf("admit never ends"), promise: "start and close end, whatever a hook does" }
]

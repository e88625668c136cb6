/**
 * The demo's story without processes: every state of the world from the start to the end, as if it had been
 * recorded.
 */
import * as World from "../../src/agent/demo/World.ts"

export interface Moment {
  readonly at: number
  readonly state: World.State
}

/**
 * The moments of a story: the last member is killed and returns, the last but one leaves, and all see it within 40
 * ms.
 */
export const told = (names: ReadonlyArray<string>): ReadonlyArray<Moment> => {
  const moments: Array<Moment> = []
  let state = World.empty
  const become = (at: number, next: World.State): void => {
    state = next
    moments.push({ at, state })
  }
  const step = (at: number, chapter: World.Chapter, ends: boolean, text: string, member?: string): void =>
    become(at, {
      ...state,
      steps: [...state.steps, { at, chapter, ends, text, ...(member === undefined ? {} : { member }) }]
    })
  const lists = (at: number, states: Readonly<Record<string, "alive" | "suspect">>): void => {
    const members = Object.entries(states).map(([name, seen]) => ({ name, address: "127.0.0.1:1", state: seen }))
    become(at, { ...state, views: new Map(World.survivors(state).map((observer) => [observer, members])) })
  }
  const report = (at: number, event: World.Observation["event"], member: string): void => {
    for (const [i, observer] of World.survivors(state).entries()) {
      const after = at + Math.min(40, i * 10)
      become(after, World.withObservation(state, { at: after, observer, event, member }))
    }
  }
  const run = (at: number, name: string, i: number): void =>
    become(at, World.withProcess(state, name, { fate: "running", pid: 30_000 + i, address: `127.0.0.1:${40_000 + i}` }))
  const all = Object.fromEntries(names.map((name) => [name, "alive" as const]))
  const without = (name: string) => Object.fromEntries(Object.entries(all).filter(([key]) => key !== name))

  const [leaver = "", victim = ""] = names.slice(-2)
  for (const name of names) become(0, World.withProcess(state, name, { fate: "starting" }))
  step(0, "start", false, `starting ${names.length} members, each a process of its own`)
  for (const [i, name] of names.entries()) run(1000, name, i)
  for (const name of names.slice(0, 9)) report(2000, "MemberJoined", name)
  lists(2100, all)
  step(2600, "start", true, `all ${names.length} members see each other`)
  step(3000, "kill", false, "killing the last (SIGKILL): it says no goodbye", victim)
  become(3001, World.withProcess(state, victim, { fate: "killed" }))
  step(3010, "kill", true, "", victim)
  report(4400, "MemberSuspected", victim)
  lists(4450, { ...all, [victim]: "suspect" })
  step(4460, "suspicion", true, "", victim)
  report(7400, "MemberFailed", victim)
  lists(7450, without(victim))
  step(7460, "failure", true, "", victim)
  step(7860, "return", false, "starting the last again, with its old name and port", victim)
  become(7861, World.withProcess(state, victim, { fate: "starting" }))
  run(8500, victim, 99)
  report(8560, "MemberJoined", victim)
  lists(8610, all)
  step(8620, "return", true, "", victim)
  step(9000, "leave", false, "stopping the last but one (SIGTERM): it says goodbye", leaver)
  become(9001, World.withProcess(state, leaver, { fate: "left" }))
  report(9010, "MemberLeft", leaver)
  lists(9060, without(leaver))
  step(9070, "leave", true, "", leaver)
  return moments
}

export const nodes = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `node-${i + 1}`)

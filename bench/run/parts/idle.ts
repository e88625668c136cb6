/** Processes of one node each, joined, while nothing happens. */
import type { Amounts, Subject } from "../../page/Results.ts"
import { atMostAbove, atMostTimes, resident, type Section } from "../../page/Section.ts"
import type { Child } from "../Child.ts"
import {
  AGREEMENT_SECONDS,
  cpuOf,
  MB,
  mean,
  type Measuring,
  names,
  sideBySide,
  wait,
  wakesOf,
  withChildren
} from "../Measuring.ts"

export const seconds = ({ idleSettleSeconds, idleWindowSeconds }: Amounts): number =>
  idleSettleSeconds + idleWindowSeconds + 5

const PROCESSES = 5

/** Processes that have nothing to say to one another are all alike: one is enough. */
const isAlone = (subject: Subject) => subject === "bare" || subject === "effect"

const form = async (subject: Subject, children: ReadonlyArray<Child>): Promise<void> => {
  if (isAlone(subject)) return
  const started = []
  for (const [i, child] of children.entries()) started.push(await child.ask("start", { names: names(1, `p${i}n`) }))
  if (subject === "pings") {
    const ports = started.flatMap(({ ports }) => ports as ReadonlyArray<number>)
    for (const child of children) await child.ask("ping", { ports, pings: 1 })
    return
  }
  const seeds = [started[0]?.["address"]]
  for (const child of children) await child.ask("join", { seeds })
  for (const child of children) await child.ask("agree", { expect: PROCESSES, seconds: AGREEMENT_SECONDS })
}

export const measure = (measuring: Measuring): Promise<void> => {
  const { idleSettleSeconds, idleWindowSeconds } = measuring.amounts
  return sideBySide(
    measuring,
    measuring.turns("ours", "before", "go", "bare", "pings", "effect"),
    (subjects) => {
      const owners = subjects.flatMap((subject) =>
        Array.from({ length: isAlone(subject) ? 1 : PROCESSES }, () => subject)
      )
      return withChildren(owners.map((subject) => measuring.command(subject, "cluster")), async (children) => {
        const of = <A>(subject: Subject, list: ReadonlyArray<A>) => list.filter((_, i) => owners[i] === subject)
        measuring.say("joining")
        for (const subject of subjects) await form(subject, of(subject, children))
        measuring.say("settling")
        await wait(idleSettleSeconds)
        measuring.say("measuring")
        const began = performance.now()
        const before = await cpuOf(children)
        const slept = wakesOf(children)
        await wait(idleWindowSeconds)
        const woken = wakesOf(children)
        const after = await cpuOf(children)
        const seconds = (performance.now() - began) / 1000
        const used = after.map((micros, i) => (micros - (before[i] ?? Number.NaN)) / 1000 / seconds)
        const wakes = woken.map((count, i) => (count - (slept[i] ?? Number.NaN)) / seconds)
        for (const subject of subjects) {
          const own = of(subject, children)
          const memory = own.map((child) => child.memory)
          if (!isAlone(subject) && subject !== "pings") {
            for (const child of own) await child.ask("agree", { expect: PROCESSES, seconds: 1 })
          }
          measuring.record(subject, {
            cpu: mean(of(subject, used)),
            wakes: mean(of(subject, wakes)),
            residentAtStart: mean(own.map(({ started }) => started.memory.resident)) / MB,
            resident: mean(memory.map(({ resident }) => resident)) / MB,
            anonymous: mean(memory.map(({ anonymous }) => anonymous ?? Number.NaN)) / MB
          })
        }
      })
    }
  )
}

export const section: Section = {
  title: () => "Five processes of one node each",
  text: (amounts) =>
    `Joined, settled for ${amounts.idleSettleSeconds} s, and measured for ${amounts.idleWindowSeconds} s; the figures are a process's. One floor is
a process with a socket that pings another every second and acks. How often a process is woken up is how often any of its threads,
the runtime's own as well, went to sleep of its own accord. "Effect's modules alone" imports what this library
imports of Effect, and does nothing. What is not shared is the memory that is not a file's: five processes of a program
share its code.`,
  figures: [
    { key: "cpu", title: "CPU ms a second", digits: 2 },
    { key: "wakes", title: "woken up a second", digits: 1 },
    resident("residentAtStart", "resident at start, MB"),
    resident("resident", "after a minute, MB"),
    resident("anonymous", "of it not shared, MB")
  ],
  targets: [
    atMostTimes(1, "go", { work: "five processes, idle", key: "cpu", digits: 2, unit: "ms of CPU a second" }),
    atMostAbove(12, "effect", {
      work: "five processes, resident after a minute",
      key: "resident",
      digits: 1,
      unit: "MB"
    })
  ]
}

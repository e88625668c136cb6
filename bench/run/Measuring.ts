/** What the parts of the benchmark share. */
import type { Amounts, Subject } from "../page/Results.ts"
import { Child, type Command } from "./Child.ts"

/** What a program does with a subject. */
export type Program = "cluster" | "messages" | "import" | "codec" | "table" | "seed"

/** One round of one part. */
export interface Measuring {
  readonly round: number
  readonly amounts: Amounts
  readonly isApart: boolean
  /** Those of these subjects that this run has, each round beginning with another. */
  readonly turns: (...subjects: ReadonlyArray<Subject>) => ReadonlyArray<Subject>
  /** The program that does something with a subject. */
  readonly command: (subject: Subject, what: Program) => Command
  /** The folder in which a program finds the library as built for a subject. */
  readonly folder: (subject: Subject) => string
  readonly say: (doing: string) => void
  readonly record: (
    subject: Subject,
    figures: Readonly<Record<string, number | undefined>>,
    lists?: Readonly<Record<string, ReadonlyArray<number>>>
  ) => void
}

export const MB = 1e6

export const wait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** Returns the list begun at another of its elements in each round. */
export const rotated = <A>(list: ReadonlyArray<A>, round: number): ReadonlyArray<A> => {
  const first = list.length === 0 ? 0 : round % list.length
  return [...list.slice(first), ...list.slice(0, first)]
}

/** Runs with processes that are started on the way, and ends them whatever happens. */
export const withStarted = async <A>(
  use: (start: (command: Command) => Promise<Child>) => Promise<A>
): Promise<A> => {
  const children: Array<Child> = []
  try {
    return await use(async (command) => {
      const child = await Child.start(command)
      children.push(child)
      return child
    })
  } finally {
    await Promise.all(children.map((child) => child.end()))
  }
}

/** Runs with a process of each of these commands, started one after the other, and ends them whatever happens. */
export const withChildren = <A>(
  commands: ReadonlyArray<Command>,
  use: (children: ReadonlyArray<Child>) => Promise<A>
): Promise<A> =>
  withStarted(async (start) => {
    const children: Array<Child> = []
    for (const command of commands) children.push(await start(command))
    return use(children)
  })

/** The processor time of each process so far, in microseconds, all read at about the same moment. */
export const cpuOf = (children: ReadonlyArray<Child>): Promise<ReadonlyArray<number>> =>
  Promise.all(children.map((child) => child.cpu()))

/** How often each process was woken up so far; no number where the system does not tell. */
export const wakesOf = (children: ReadonlyArray<Child>): ReadonlyArray<number> =>
  children.map((child) => child.wakes ?? Number.NaN)

export const sum = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0)

export const mean = (values: ReadonlyArray<number>): number => sum(values) / values.length

/** Names of nodes, with what they begin with. */
export const names = (count: number, first = "n"): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `${first}${i}`)

/** How long nodes may take to agree before the round is given up: news that gossip lost comes with a push/pull. */
export const AGREEMENT_SECONDS = 150

/**
 * Runs each subject's measurement: side by side, so that whatever else the machine does falls on all alike, or one after
 * the other.
 */
export const sideBySide = async (
  measuring: Measuring,
  subjects: ReadonlyArray<Subject>,
  run: (subjects: ReadonlyArray<Subject>) => Promise<void>
): Promise<void> => {
  if (!measuring.isApart) return run(subjects)
  for (const subject of subjects) await run([subject])
}

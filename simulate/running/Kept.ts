/**
 * Results kept in a file, one line of JSON each, so that an experiment can be done in several sittings: what is there is
 * not run again.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import * as Path from "node:path"
import type { Program } from "./Arguments.ts"
import { Line } from "./Line.ts"
import { type Done, runAll } from "./Pool.ts"
import { Progress } from "./Progress.ts"

/** Numbers with three digits behind the point. */
const rounded = (_: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 1000) / 1000 : value

/** Keeps a `Result` of each `Key`, which is what its job has that no other has. */
export class Kept<Key, Result> {
  readonly file: string
  private readonly idOf: (key: Key) => string
  private readonly keyOf: (result: Result) => Key
  private readonly isExact: boolean
  private readonly byId = new Map<string, Result>()
  /** The file's last line has no end. */
  private isOpen = false

  constructor(options: {
    readonly file: string
    readonly idOf: (key: Key) => string
    readonly keyOf: (result: Result) => Key
    /** Forgets what earlier sittings left. */
    readonly fresh: boolean
    /** Keeps all digits of numbers, and not three behind the point. */
    readonly isExact?: boolean
  }) {
    this.file = options.file
    this.idOf = options.idOf
    this.keyOf = options.keyOf
    this.isExact = options.isExact ?? false
    mkdirSync(Path.dirname(this.file), { recursive: true })
    if (options.fresh) rmSync(this.file, { force: true })
    this.read()
  }

  /** All there are, in the order in which they came. */
  get results(): ReadonlyArray<Result> {
    return [...this.byId.values()]
  }

  /** Those of some jobs, in the order in which they came. */
  among(jobs: ReadonlyArray<Key>): ReadonlyArray<Result> {
    const ids = new Set(jobs.map(this.idOf))
    return [...this.byId].flatMap(([id, result]) => ids.has(id) ? [result] : [])
  }

  /** Those that have no result yet, each once. */
  missing<Job extends Key>(jobs: ReadonlyArray<Job>): ReadonlyArray<Job> {
    const byId = new Map(jobs.map((job) => [this.idOf(job), job]))
    return [...byId].flatMap(([id, job]) => this.byId.has(id) ? [] : [job])
  }

  /** Keeps one, as it will be read next time, so that what is made of it is the same then. */
  add(result: Result): void {
    const line = JSON.stringify(result, this.isExact ? undefined : rounded)
    appendFileSync(this.file, `${this.isOpen ? "\n" : ""}${line}\n`)
    this.isOpen = false
    this.take(line)
  }

  /**
   * Runs those that have no result yet, and tells which of them failed and why. Ctrl-C ends the program with 130; the same
   * command goes on from there.
   */
  async complete<Job extends Key & object, Outcome>(
    options: {
      readonly jobs: ReadonlyArray<Job>
      readonly worker: string
      readonly workers: number
      readonly resultOf: (done: Done<Job, Outcome>) => Result
      /** What is kept, after the number of results; otherwise an interrupted program tells no number. */
      readonly unit?: string
    },
    pool: typeof runAll = runAll,
    program: Program = process
  ): Promise<ReadonlyArray<string>> {
    const { jobs, resultOf, unit, worker, workers } = options
    const missing = this.missing(jobs)
    const failures: Array<string> = []
    if (missing.length === 0) return failures
    const { stderr } = program
    const progress = new Progress(missing.length, {
      line: new Line(stderr),
      write: (line) => void stderr.write(`${line}\n`)
    })
    const isWhole = await pool<Job, Outcome>({
      worker,
      jobs: missing,
      workers,
      onDone: (done) => {
        this.add(resultOf(done))
        progress.step(this.idOf(done.job))
      },
      onFailed: (job, error) => {
        failures.push(`${this.idOf(job)}: ${error.message}`)
        progress.fail(this.idOf(job))
      }
    })
    progress.end()
    if (isWhole) return failures
    const what = unit === undefined ? "what is done" : `${this.byId.size} ${unit}`
    stderr.write(`interrupted; ${this.file} keeps ${what}, the same command goes on from there\n`)
    return program.exit(130)
  }

  private read(): void {
    if (!existsSync(this.file)) return
    const text = readFileSync(this.file, "utf8")
    this.isOpen = text !== "" && !text.endsWith("\n")
    for (const line of text.split("\n")) {
      try {
        if (line !== "") this.take(line)
      } catch {
        // it was cut short, and is run again
      }
    }
  }

  private take(line: string): void {
    const result = JSON.parse(line) as Result
    this.byId.set(this.idOf(this.keyOf(result)), result)
  }
}

/** Runs what `results/runs.jsonl` of a command's folder lacks of some jobs, by the worker in that folder. */
export const runMissing = async <Job extends object, Outcome>(
  folder: string,
  { fresh, idOf, jobs, workers }: {
    readonly jobs: ReadonlyArray<Job>
    readonly idOf: (job: Job) => string
    readonly workers: number
    /** Forgets what earlier sittings left. */
    readonly fresh: boolean
  }
): Promise<{ readonly kept: Kept<Job, Done<Job, Outcome>>; readonly failures: ReadonlyArray<string> }> => {
  const kept = new Kept<Job, Done<Job, Outcome>>({
    file: Path.join(folder, "results/runs.jsonl"),
    idOf,
    keyOf: ({ job }) => job,
    fresh
  })
  const failures = await kept.complete<Job, Outcome>({
    jobs,
    worker: Path.join(folder, "worker.ts"),
    workers,
    resultOf: (done) => done
  })
  return { kept, failures }
}

/** Says which runs failed, and has the program end with 1 if any did. */
export const tellFailures = (failures: ReadonlyArray<string>): void => {
  for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
  if (failures.length > 0) process.exitCode = 1
}

import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Kept } from "../../../simulate/running/Kept.ts"
import type { runAll } from "../../../simulate/running/Pool.ts"

interface Job {
  readonly members: number
  readonly seed: number
}
interface Run {
  readonly job: Job
  readonly outcome: { readonly after?: number | undefined; readonly times?: ReadonlyArray<number> }
  readonly cpuSeconds: number
}

let folder = ""
const file = () => join(folder, "results/runs.jsonl")
const text = () => readFileSync(file(), "utf8")

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kept-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What a sitting finds. */
const open = (options: { readonly fresh?: boolean; readonly isExact?: boolean } = {}) =>
  new Kept<Job, Run>({
    file: file(),
    idOf: ({ members, seed }) => `${members}/${seed}`,
    keyOf: ({ job }) => job,
    fresh: options.fresh ?? false,
    isExact: options.isExact ?? false
  })

const run = (seed: number, outcome: Run["outcome"] = {}): Run => ({ job: { members: 3, seed }, outcome, cpuSeconds: 1 })
const jobs = (...seeds: ReadonlyArray<number>) => seeds.map((seed): Job => ({ members: 3, seed }))
const seeds = (results: ReadonlyArray<Run>) => results.map(({ job }) => job.seed)

describe("kept results", () => {
  it("are none at first, and are read back in the order in which they came", () => {
    const kept = open()
    assert.deepStrictEqual(kept.results, [])
    for (const seed of [2, 1, 3]) kept.add(run(seed))
    assert.deepStrictEqual(seeds(kept.results), [2, 1, 3])
    assert.deepStrictEqual(open().results, kept.results)
    assert.deepStrictEqual(seeds(open().among(jobs(3, 2, 7))), [2, 3])
  })

  it("are not run again, and those that are missing are run once", () => {
    const kept = open()
    kept.add(run(1))
    assert.deepStrictEqual(kept.missing(jobs(1, 2, 3, 2)), jobs(2, 3))
    assert.deepStrictEqual(open().missing(jobs(1, 2)), jobs(2))
  })

  it("have the same numbers in this sitting and the next: three digits behind the point, unless they are exact", () => {
    const outcome = { after: 2 / 3, times: [0.0004, 1e6 / 7, Infinity] }
    const kept = open()
    kept.add(run(1, outcome))
    kept.add(run(2, { after: undefined }))
    const read = kept.results.map(({ outcome }): unknown => outcome)
    assert.deepStrictEqual(read, [{ after: 0.667, times: [0, 142_857.143, null] }, {}])
    assert.deepStrictEqual(open().results, kept.results)

    const exact = open({ isExact: true })
    exact.add(run(3, { after: 2 / 3 }))
    assert.deepStrictEqual(open().results.at(-1), run(3, { after: 2 / 3 }))
  })

  it("whose line was cut short are run again, and spoil no line that follows", () => {
    const kept = open()
    for (const seed of [1, 2]) kept.add(run(seed))
    const whole = text()
    for (let length = whole.indexOf("\n") + 2; length < whole.length - 1; length++) {
      writeFileSync(file(), whole.slice(0, length))
      const next = open()
      assert.deepStrictEqual(next.missing(jobs(1, 2)), jobs(2))
      next.add(run(2))
      next.add(run(3))
      assert.deepStrictEqual(seeds(open().results), [1, 2, 3])
    }
  })

  it("are there where only the end of the last line is missing", () => {
    open().add(run(1))
    writeFileSync(file(), text().trimEnd())
    const next = open()
    assert.deepStrictEqual(seeds(next.results), [1])
    for (const seed of [2, 3]) next.add(run(seed))
    assert.deepStrictEqual(seeds(open().results), [1, 2, 3])
    assert.strictEqual(text().split("\n").length, 4)
  })

  it("are not what is no result: it is left out", () => {
    open().add(run(1))
    writeFileSync(file(), `null\n7\n{}\n\n${text()}`)
    assert.deepStrictEqual(seeds(open().results), [1])
  })

  it("are forgotten by a fresh start", () => {
    open().add(run(1))
    assert.deepStrictEqual(open({ fresh: true }).results, [])
    assert.isFalse(existsSync(file()))
  })
})

class Ended extends Error {
  override readonly name = "Ended"
}

/** Completes some seeds, in a pool whose children fail at some and are interrupted at one; what it ran, and how it ended. */
const sitting = async (
  wanted: ReadonlyArray<number>,
  failing: ReadonlyArray<number>,
  stopAt?: number,
  unit?: string
) => {
  const ran: Array<number> = []
  let stderr = ""
  let code: number | undefined
  const pool = (async ({ jobs, onDone, onFailed }) => {
    for (const job of jobs) {
      const { seed } = job as unknown as Job
      if (seed === stopAt) return false
      ran.push(seed)
      if (failing.includes(seed)) onFailed(job, new Error("too hard"))
      else onDone({ job, outcome: { after: seed / 3 } as never, cpuSeconds: 0.12345 })
    }
    return true
  }) satisfies typeof runAll
  const program = {
    stdout: { write: () => undefined },
    stderr: { write: (text: string) => (stderr += text) },
    exit: (with_: number): never => {
      code = with_
      throw new Ended()
    }
  }
  const options = { jobs: jobs(...wanted), worker: "worker.ts", workers: 1, resultOf: (done: Run) => done }
  const failures = await open().complete<Job, Run["outcome"]>(
    unit === undefined ? options : { ...options, unit },
    pool,
    program
  ).catch((error: unknown) => {
    if (!(error instanceof Ended)) throw error
    return undefined
  })
  return { ran, failures, stderr, code }
}

describe("several sittings", () => {
  it("run everything once", async () => {
    assert.deepStrictEqual((await sitting([1, 2], [])).ran, [1, 2])
    assert.deepStrictEqual((await sitting([1, 2, 3], [])).ran, [3])
    assert.deepStrictEqual((await sitting([1, 2, 3], [])).ran, [])
    assert.deepStrictEqual(open().results[0], {
      job: { members: 3, seed: 1 },
      outcome: { after: 0.333 },
      cpuSeconds: 0.123
    })
  })

  it("keep nothing of a run that failed, and run it again", async () => {
    const { code, failures } = await sitting([1, 2, 3], [2])
    assert.deepStrictEqual([code, failures], [undefined, ["3/2: too hard"]])
    assert.deepStrictEqual(seeds(open().results), [1, 3])
    assert.deepStrictEqual((await sitting([1, 2, 3], [])).ran, [2])
  })

  it("go on where one was interrupted, which says what is kept and ends with 130", async () => {
    const { code, stderr } = await sitting([1, 2, 3], [], 3)
    assert.strictEqual(code, 130)
    assert.include(stderr, `interrupted; ${file()} keeps what is done, the same command goes on from there\n`)
    assert.deepStrictEqual((await sitting([1, 2, 3], [])).ran, [3])
    const counted = await sitting([1, 2, 3, 4], [], 4, "results")
    assert.include(counted.stderr, "keeps 3 results, the same command")
  })
})

/** Runs jobs in child processes, one per core, and hands back each result as it comes. */
import { fork } from "node:child_process"
import { setPriority } from "node:os"
import type { Told } from "./Worker.ts"

export interface Done<Job, Outcome> extends Told<Outcome> {
  readonly job: Job
}

const FLAGS = ["--conditions=effect-memberlist-source", "--max-semi-space-size=64"]

/** Runs all of them, unless Ctrl-C ends it: what was running is lost then, what was done is not. Tells whether it came to the end. */
export const runAll = async <Job extends object, Outcome>(options: {
  readonly worker: string
  readonly jobs: ReadonlyArray<Job>
  readonly workers: number
  readonly onDone: (done: Done<Job, Outcome>) => void
  readonly onFailed: (job: Job, error: Error) => void
}): Promise<boolean> => {
  const { jobs, onDone, onFailed, worker } = options
  const stop = new AbortController()
  const { signal } = stop
  // They stay: what a command writes in the end is written whole.
  process.once("SIGINT", () => stop.abort())
  process.once("SIGTERM", () => stop.abort())
  let next = 0
  const serve = async (): Promise<void> => {
    const child = fork(worker, { execArgv: FLAGS, serialization: "advanced", signal })
    child.on("error", () => {})
    if (child.pid !== undefined) setPriority(child.pid, 10)
    try {
      for (let job = jobs[next++]; job !== undefined && !signal.aborted; job = jobs[next++]) {
        const told = await ask<Outcome>(child, job)
        if (told instanceof Error) {
          if (signal.aborted) return
          onFailed(job, told)
          return serve()
        }
        onDone({ job, ...told })
      }
    } finally {
      if (child.connected) child.disconnect()
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.workers, jobs.length) }, serve))
  return !signal.aborted
}

const ask = <Outcome>(child: ReturnType<typeof fork>, job: object): Promise<Told<Outcome> | Error> =>
  new Promise((resolve) => {
    const settle = (answer: Told<Outcome> | Error) => {
      child.off("message", onMessage)
      child.off("exit", onExit)
      resolve(answer)
    }
    const onMessage = (message: unknown) => settle(message as Told<Outcome>)
    const onExit = (code: number | null) => settle(new Error(`the worker ended with code ${code}`))
    child.on("message", onMessage)
    child.on("exit", onExit)
    child.send(job, (error) => {
      if (error !== null) settle(error)
    })
  })

/** Runs jobs in child processes, one per core, and hands back each result as it comes. */
import { fork } from "node:child_process"
import { setPriority } from "node:os"

export interface Done<Job, Outcome> {
  readonly job: Job
  readonly outcome: Outcome
  readonly cpuSeconds: number
}

const FLAGS = ["--conditions=effect-memberlist-source", "--max-semi-space-size=64"]

export const runAll = async <Job extends object, Outcome>(options: {
  readonly worker: string
  readonly jobs: ReadonlyArray<Job>
  readonly workers: number
  readonly onDone: (done: Done<Job, Outcome>) => void
  readonly onFailed: (job: Job, error: Error) => void
  /** Ends everything; what was running is lost, what was done is not. */
  readonly signal: AbortSignal
}): Promise<void> => {
  const { jobs, onDone, onFailed, signal, worker } = options
  let next = 0
  const serve = async (): Promise<void> => {
    const child = fork(worker, { execArgv: FLAGS, serialization: "advanced", signal })
    child.on("error", () => {})
    if (child.pid !== undefined) setPriority(child.pid, 10)
    try {
      for (let job = jobs[next++]; job !== undefined && !signal.aborted; job = jobs[next++]) {
        const done = await ask<{ readonly outcome: Outcome; readonly cpuSeconds: number }>(child, job)
        if (done instanceof Error) {
          if (signal.aborted) return
          onFailed(job, done)
          return serve()
        }
        onDone({ job, ...done })
      }
    } finally {
      if (child.connected) child.disconnect()
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.workers, jobs.length) }, serve))
}

const ask = <A>(child: ReturnType<typeof fork>, job: object): Promise<A | Error> =>
  new Promise((resolve) => {
    const settle = (answer: A | Error) => {
      child.off("message", onMessage)
      child.off("exit", onExit)
      resolve(answer)
    }
    const onMessage = (message: unknown) => settle(message as A)
    const onExit = (code: number | null) => settle(new Error(`the worker ended with code ${code}`))
    child.on("message", onMessage)
    child.on("exit", onExit)
    child.send(job, (error) => {
      if (error !== null) settle(error)
    })
  })

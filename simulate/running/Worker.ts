/** The child's side of a pool: measures one thing after the other, and tells what came out. */

/** What a child tells of one job. */
export interface Told<Outcome> {
  readonly outcome: Outcome
  readonly cpuSeconds: number
}

/** Answers every job of the parent, and ends when the parent does. */
export const serve = <Job, Outcome>(measure: (job: Job) => Outcome): void => {
  process.on("message", (job: Job) => {
    const before = process.cpuUsage()
    const outcome = measure(job)
    const { system, user } = process.cpuUsage(before)
    const told: Told<Outcome> = { outcome, cpuSeconds: (system + user) / 1e6 }
    process.send?.(told)
  })
  // The parent is gone, and with it whoever wants the results.
  process.on("disconnect", () => process.exit())
}

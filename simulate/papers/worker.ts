/** A child process that runs one job after the other. */
import { type Job, perform } from "./Jobs.ts"

process.on("message", (job: Job) => {
  const before = process.cpuUsage()
  const outcome = perform(job)
  const { system, user } = process.cpuUsage(before)
  process.send?.({ outcome, cpuSeconds: (system + user) / 1e6 })
})
// The parent is gone, and with it whoever wants the results.
process.on("disconnect", () => process.exit())

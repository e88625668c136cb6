/** A child process that runs one hard case after the other. */
import { type Job, measure } from "./measure.ts"

process.on("message", (job: Job) => {
  const before = process.cpuUsage()
  const outcome = measure(job)
  const { system, user } = process.cpuUsage(before)
  process.send?.({ outcome, cpuSeconds: (system + user) / 1e6 })
})
// The parent is gone, and with it whoever wants the results.
process.on("disconnect", () => process.exit())

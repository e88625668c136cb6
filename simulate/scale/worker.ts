/** A child process that measures one size after the other. */
import { measure } from "./measure.ts"

process.on("message", ({ members, seconds }: { readonly members: number; readonly seconds: number }) => {
  const before = process.cpuUsage()
  const outcome = measure(members, seconds)
  const { system, user } = process.cpuUsage(before)
  process.send?.({ outcome, cpuSeconds: (system + user) / 1e6 })
})
// The parent is gone, and with it whoever wants the results.
process.on("disconnect", () => process.exit())

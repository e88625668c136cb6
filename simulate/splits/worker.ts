/** A child process that runs one split after the other. */
import { measure, type Split } from "./measure.ts"

process.on("message", ({ seed, split }: { readonly split: Split; readonly seed: number }) => {
  const before = process.cpuUsage()
  const outcome = measure(split, seed)
  const { system, user } = process.cpuUsage(before)
  process.send?.({ outcome, cpuSeconds: (system + user) / 1e6 })
})
// The parent is gone, and with it whoever wants the results.
process.on("disconnect", () => process.exit())

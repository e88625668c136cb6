import { defineConfig } from "vitest/config"

/**
 * The interop scenarios: real time, real sockets, real processes, so they run apart from the unit tests. Two files at a
 * time, one scenario at a time in each; never again after a failure.
 */
export default defineConfig({
  test: {
    include: ["interop/**/*.interop.test.ts"],
    retry: 0,
    maxWorkers: 2
  }
})

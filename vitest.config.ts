import { configDefaults, defineConfig } from "vitest/config"

// Tests import "effect-memberlist" as a user would; this condition of package.json's `exports` makes that mean src/.
const conditions = ["effect-memberlist-source", "module", "node"]

const MUTATIONS = "test/simulate/Mutations.test.ts"

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // one worker loads Effect once, and not once for each file
          isolate: false,
          include: ["test/**/*.test.ts", "examples/*.test.ts"],
          // Virtual time costs real time, and no test is to depend on how much: this only ends what hangs.
          testTimeout: 60_000,
          exclude: [...configDefaults.exclude, "test/**/*.sockets.test.ts", MUTATIONS]
        }
      },
      {
        // These replace modules, which must not be there already.
        extends: true,
        test: { name: "mutations", include: [MUTATIONS], testTimeout: 60_000 }
      },
      {
        // Real sockets and real time: one file after the other, so that a busy machine cannot fail a neighbour's test.
        extends: true,
        test: {
          name: "sockets",
          include: ["test/**/*.sockets.test.ts"],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})

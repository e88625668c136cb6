import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"

// Tests import "effect-memberlist" as a user would; this condition of package.json's `exports` makes that mean src/.
const conditions = ["effect-memberlist-source", "module", "node"]

const TOOLS = "test/tools/**/*.test.ts"
const MUTATIONS = "test/tools/simulate/Mutations.test.ts"
const SOCKETS = "test/**/*.sockets.test.ts"
/** Those that start programs, and mostly wait for them. */
const PROGRAMS = "test/**/*.programs.test.ts"
/** The programs to copy, and those of the package: each waits for the failures that it shows. */
const EXAMPLES = [
  "test/examples/*.{programs,sockets}.test.ts",
  "test/agent/**/*.{programs,sockets}.test.ts",
  "test/tools/docs/{CommandLine,QuickStart}.programs.test.ts"
]
const excluding = (...patterns: ReadonlyArray<string>) => [...configDefaults.exclude, ...patterns]

/** Tests of programs. */
const realTime = {
  // they load the same files again and again: with Node.js' cache in half of the processor time
  env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url)) },
  testTimeout: 60_000,
  hookTimeout: 30_000
}

/** Tests in virtual time, or without any. */
const timeless = {
  // one worker loads Effect once, and not once for each file
  isolate: false,
  // Virtual time costs real time, and no test is to depend on how much: this only ends what hangs.
  testTimeout: 60_000
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // all processors: tests in virtual time do not mind how long they take, and real sockets run one file at a time
    maxWorkers: "100%",
    projects: [
      {
        // the library
        extends: true,
        test: {
          ...timeless,
          name: "unit",
          include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: excluding(TOOLS, SOCKETS, PROGRAMS)
        }
      },
      {
        // what looks after it: explorer, papers, attacks, benchmarks, lint, documents
        extends: true,
        test: { ...timeless, name: "tools", include: [TOOLS], exclude: excluding(SOCKETS, PROGRAMS, MUTATIONS) }
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
          include: [SOCKETS],
          exclude: excluding(...EXAMPLES),
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 1 }
        }
      },
      {
        extends: true,
        test: {
          ...realTime,
          name: "programs",
          include: [PROGRAMS],
          exclude: excluding(...EXAMPLES),
          sequence: { groupOrder: 2 }
        }
      },
      {
        extends: true,
        test: { ...realTime, name: "examples", include: EXAMPLES, sequence: { groupOrder: 3 } }
      }
    ]
  }
})

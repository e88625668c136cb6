/** The Go side: HashiCorp memberlist in the `peer` binary, built once from interop/go. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFileSync, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { launch, type Peer, type PeerError } from "./Peer.ts"
import type { StartOptions } from "./Protocol.ts"

const moduleFolder = fileURLToPath(new URL("./go", import.meta.url))

/**
 * The same program against two releases: today's, and one of 2022, whose MessagePack library was another generation.
 */
export const generations = {
  current: { modfile: "go.mod", binary: "peer", tags: "" },
  old: { modfile: "old.mod", binary: "peer-old", tags: "old" }
} as const
export type Generation = keyof typeof generations

/** The program that `build` makes. */
export const binaryOf = (generation: Generation): string =>
  fileURLToPath(new URL(`./go/bin/${generations[generation].binary}`, import.meta.url))

/** The Go toolchain's version (`go1.26.8`), or `undefined` when there is none on the PATH. */
export const toolchain = (): string | undefined => {
  const { status, stdout } = spawnSync("go", ["env", "GOVERSION"], { cwd: moduleFolder, encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

/** Builds the binaries; Go's build cache makes this cheap when nothing changed. Throws with the compiler's output. */
export const build = (wanted: ReadonlyArray<Generation> = ["current", "old"]): void => {
  for (const generation of wanted) {
    const { modfile, tags } = generations[generation]
    const args = ["build", `-modfile=${modfile}`, `-tags=${tags}`, "-o", binaryOf(generation), "."]
    execFileSync("go", args, { cwd: moduleFolder, stdio: ["ignore", "inherit", "inherit"] })
  }
}

/** The memberlist release in a binary, from its module file. */
export const memberlistVersion = (generation: Generation): string =>
  execFileSync(
    "go",
    [
      "list",
      `-modfile=${generations[generation].modfile}`,
      "-m",
      "-f",
      "{{.Version}}",
      "github.com/hashicorp/memberlist"
    ],
    { cwd: moduleFolder, encoding: "utf8" }
  ).trim()

export const start = (generation: Generation) => (options: StartOptions): Effect.Effect<Peer, PeerError, Scope.Scope> =>
  launch("go", [binaryOf(generation)], options)

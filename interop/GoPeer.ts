/** The Go side: HashiCorp memberlist in the `peer` binary, built once from interop/go. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFileSync, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { launch, type Peer, type PeerError } from "./Peer.ts"
import type { StartOptions } from "./Protocol.ts"

const moduleFolder = fileURLToPath(new URL("./go", import.meta.url))
const binary = fileURLToPath(new URL("./go/bin/peer", import.meta.url))

/** The Go toolchain's version (`go1.26.8`), or `undefined` when there is none on the PATH. */
export const toolchain = (): string | undefined => {
  const { status, stdout } = spawnSync("go", ["env", "GOVERSION"], { cwd: moduleFolder, encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

/** Builds the binary; the Go build cache makes this cheap when nothing changed. Throws with the compiler's output. */
export const build = (): void => {
  execFileSync("go", ["build", "-o", binary, "."], { cwd: moduleFolder, stdio: ["ignore", "inherit", "inherit"] })
}

/** The memberlist release in the binary, from the module file. */
export const memberlistVersion = (): string =>
  execFileSync("go", ["list", "-m", "-f", "{{.Version}}", "github.com/hashicorp/memberlist"], {
    cwd: moduleFolder,
    encoding: "utf8"
  }).trim()

export const start = (options: StartOptions): Effect.Effect<Peer, PeerError, Scope.Scope> =>
  launch("go", [binary], options)

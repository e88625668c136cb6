/** The example `effect-cluster`, a file of its own because it takes ten seconds of waiting. */
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Program } from "../support/Program.ts"

/** Ports that nobody has at the moment. */
const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"))
  const ports = await Promise.all(servers.map((server) =>
    new Promise<number>((resolve) =>
      server.once("listening", () => {
        const address = server.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    )
  ))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

describe("effect-cluster", () => {
  it("has entities elsewhere once one of three runners, each a process, was killed", async () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "effect-cluster-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const ports = await freePorts(6)
    const seed = `127.0.0.1:${ports[0]}`
    const [a, b, c] = ["a", "b", "c"].map((name, i) => {
      const program = new Program("effect-cluster/main.ts", {
        args: [seed],
        env: {
          NAME: name,
          PORT: String(ports[i]),
          RUNNER_PORT: String(ports[i + 3]),
          DATABASE: Path.join(folder, "cluster.db"),
          SHARD_LOCK_EXPIRATION: "3 seconds",
          REFRESH_ASSIGNMENTS_INTERVAL: "500 millis"
        }
      })
      onTestFinished(program.kill)
      return program
    })
    const [, user = ""] = await a!.prints(/^(\w+) is at c$/m)
    await b!.prints(new RegExp(`^${user} is at c$`, "m"))
    await c!.signal("SIGKILL")
    const [, place = ""] = await a!.prints(new RegExp(`^${user} is at c$[^]*^${user} is at ([ab])$`, "m"))
    await b!.prints(new RegExp(`^${user} is at c$[^]*^${user} is at ${place}$`, "m"))
  })
})

describe("the guide to Effect Cluster", () => {
  it("shows the layers of the program that is compiled and run", () => {
    const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
    const blocks = read("docs/effect-cluster.md").split("```ts\n").slice(1).map((text) => text.split("```")[0] ?? "")
    assert.isAbove(blocks.length, 0)
    for (const block of blocks) assert.include(read("examples/effect-cluster/main.ts"), block)
  })
})

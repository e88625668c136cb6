/** The example `effect-cluster`, a file of its own because it takes ten seconds of waiting. */
import { assert, describe, it, onTestFinished, vi } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Program } from "../support/Program.ts"

/** Whether nobody listens at a port. */
const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer().once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

/** Ports that the system gives to nobody who asks for any: they are free when they are used, too. */
const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const ports: Array<number> = []
  for (let port = 15_000 + process.pid % 10_000; ports.length < count; port++) {
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** Where a runner has seen entities last. */
const places = ({ printed }: Program) =>
  new Map([...printed.matchAll(/^(\w+) is at (\w+)$/mg)].map(([, user = "", place = ""]) => [user, place]))

describe("effect-cluster", () => {
  it("has entities elsewhere once one of three runners, each a process, was killed", async () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "effect-cluster-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const ports = await freePorts(6)
    const seed = `127.0.0.1:${ports[0]}`
    const runners = new Map(["a", "b", "c"].map((name, i) => {
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
      return [name, program]
    }))
    // which entities are where depends on the ports
    const agreed = () => {
      const [first, ...others] = [...runners.values()].map(places)
      return [...first ?? []].find(([user, place]) => place !== "a" && others.every((told) => told.get(user) === place))
    }
    const [user, place] = await vi.waitUntil(agreed, { timeout: 50_000 }).catch(() =>
      assert.fail([...runners.values()].map(({ printed }) => printed).join("\n---\n"))
    )
    await runners.get(place)?.signal("SIGKILL")
    runners.delete(place)
    const moved = new RegExp(`^${user} is at ${place}$[^]*^${user} is at (?!${place})(.)$`, "m")
    const answers = await Promise.all([...runners.values()].map((runner) => runner.prints(moved)))
    assert.include([...runners.keys()], answers[0]?.[1])
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

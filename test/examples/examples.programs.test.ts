/** The examples on real sockets, each run as a user runs it. Those that need no sockets are in files of their own. */
import { assert, describe, it, onTestFinished, vi } from "@effect/vitest"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { linesOf, Program } from "../support/Program.ts"

/** What an example logs, without times and fibers, when it has ended well. */
const logOf = async (file: string): Promise<ReadonlyArray<string>> => {
  const program = new Program(file)
  onTestFinished(program.kill)
  assert.strictEqual(await program.ended, 0, program.printed)
  return linesOf(program).map((line) => line.replace(/^\[.*?\] INFO \(#\d+\): /, ""))
}

describe("the examples", () => {
  it("compose an application's layers: service, hooks, keys, sockets, settings", async () => {
    assert.deepStrictEqual(await logOf("layers.ts"), ["front-1 gives its work to worker-1"])
  })

  it("subscribe to the stream of events", async () => {
    assert.deepStrictEqual(await logOf("events.ts"), [
      "MemberJoined a",
      "MemberJoined b",
      "b says \"busy\" now, not \"\"",
      "MemberLeft b"
    ])
  })

  it("join for as long as a scope lasts, twice", async () => {
    const shift = (name: string) => [
      `the ${name} shift begins: joined through 1 seed`,
      "the desk sees the worker",
      "the desk sees that it has left"
    ]
    assert.deepStrictEqual(await logOf("join-scoped.ts"), [...shift("early"), ...shift("late")])
  })

  it("find each other by themselves, in whatever order they start", async () => {
    assert.deepStrictEqual(await logOf("seeds.ts"), [
      "a is ready, with seeds from the registry: Alone",
      "b is ready, with seeds from the registry: Joined",
      "c is ready, with seeds from the registry: Joined",
      "all three are in the list, and the first is Joined"
    ])
  })

  it("broadcast messages of an application's own", async () => {
    assert.sameMembers([...await logOf("user-broadcasts.ts")], [
      "the first will not be sent any more",
      "received \"price 2\"",
      "the second was sent as often as gossip sends any news"
    ])
  })

  it("announce typed values, and share keys by weight", async () => {
    assert.deepStrictEqual(await logOf("routing.ts"), [
      "stronger ones: mail-2, mail-3",
      "mail-1 hands over 773 of 4096 slots",
      "user/42 belongs to mail-3, as every member says"
    ])
  })

  it("start quickly: two nodes of the quick start find each other, and a signal is a goodbye", async () => {
    const a = new Program("quickstart.ts", { env: { NAME: "a", PORT: "0" } })
    onTestFinished(a.kill)
    const [, address = ""] = await a.prints(/MemberJoined a (\S+)/)
    const b = new Program("quickstart.ts", { args: [address], env: { NAME: "b", PORT: "0" } })
    onTestFinished(b.kill)
    await b.prints(/contacted 1 seeds, 2 members/)
    await a.prints(/MemberJoined b /)
    // 130 is what Effect's runMain answers to both
    assert.strictEqual(await b.signal("SIGTERM"), 130, b.printed)
    await a.prints(/MemberLeft b /)
    assert.strictEqual(await a.signal("SIGINT"), 130, a.printed)
  })

  it(
    "remember: two nodes that were killed at once find each other again without seeds",
    { timeout: 60_000 },
    async () => {
      const files = mkdtempSync(Path.join(tmpdir(), "snapshots-"))
      onTestFinished(() => rmSync(files, { recursive: true }))
      const snapshot = (name: string) => Path.join(files, `${name}.snapshot`)
      const run = (name: string, port: string, ...args: ReadonlyArray<string>) => {
        const program = new Program("snapshots.ts", { args, env: { NAME: name, PORT: port, SNAPSHOT: snapshot(name) } })
        onTestFinished(program.kill)
        return program
      }
      const started = async (program: Program) => {
        const [, port = "", incarnation = ""] = await program.prints(/started at 127\.0\.0\.1:(\d+), incarnation (\d+)/)
        return { port, incarnation: Number(incarnation) }
      }
      const a = run("a", "0")
      const first = await started(a)
      assert.strictEqual(first.incarnation, 1)
      const b = run("b", "0", `127.0.0.1:${first.port}`)
      const second = await started(b)
      await b.prints(/MemberJoined a /)
      // written two seconds after they met; a crash before that is for the tests in virtual time
      for (const [name, other] of [["a", "b"], ["b", "a"]] as const) {
        await vi.waitUntil(
          () => existsSync(snapshot(name)) && readFileSync(snapshot(name), "utf8").includes(`"name":"${other}"`),
          { timeout: 20_000 }
        )
      }
      await Promise.all([a, b].map((program) => program.signal("SIGKILL")))
      const again = [run("a", first.port), run("b", second.port)]
      // 64 above what was written, and that is 1, or more where a busy machine made somebody suspect it
      for (const program of again) assert.isAtLeast((await started(program)).incarnation, 65)
      await again[0]?.prints(/MemberJoined b /)
      await again[1]?.prints(/MemberJoined a /)
      // a signal to the layer is no leave: the next start returns again
      await again[1]?.signal("SIGTERM")
      await again[0]?.prints(/MemberLeft b /)
      const third = run("b", second.port)
      assert.isAtLeast((await started(third)).incarnation, 129)
      await third.prints(/MemberJoined a /)
    }
  )
})

import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as KeyFile from "../../../src/agent/keys/KeyFile.ts"

const key = (byte: number, length = 16) => new Uint8Array(length).fill(byte)
const line = (byte: number, length = 16) => Buffer.from(key(byte, length)).toString("base64")
const [old, next] = [[key(1)], [key(2), key(1)]]

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(tmpdir(), "key-file-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const test = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | FileSystem.FileSystem>) =>
  it.live(name, () => Effect.scoped(Effect.provide(body, NodeFileSystem.layer)))

/** A file that has the old key, as an agent has read it; its folder, and what is in that. */
const opened = Effect.fnUntraced(function*(change: (fs: FileSystem.FileSystem) => FileSystem.FileSystem = (fs) => fs) {
  const at = yield* folder
  const path = Path.join(at, "gossip.key")
  Fs.writeFileSync(path, KeyFile.format(old), { mode: 0o640 })
  const text = () => Fs.readFileSync(path, "utf8")
  return { at, path, text, file: KeyFile.make(change(yield* FileSystem.FileSystem), path, old) }
})

describe("a file of keys", () => {
  it("has a key in each line, and other lines are no keys", () => {
    assert.deepStrictEqual(KeyFile.parse(line(1)), old)
    assert.deepStrictEqual(KeyFile.parse(`\n${line(2)}\r\n  ${line(1)}  \n\n`), next)
    assert.deepStrictEqual(KeyFile.parse(KeyFile.format(next)), next)
    assert.deepStrictEqual(KeyFile.parse(`${line(1)}\n${line(1)}`), old)
    assert.deepStrictEqual(KeyFile.parse(line(3, 32)), [key(3, 32)])
    const many = (count: number) => Array.from({ length: count }, (_, at) => line(at)).join("\n")
    assert.lengthOf(KeyFile.parse(many(KeyFile.MAX_KEYS)) ?? [], KeyFile.MAX_KEYS)
    for (const text of ["", " \n", "no key", line(1, 31), `${line(1)}\n# old`, many(KeyFile.MAX_KEYS + 1)]) {
      assert.isUndefined(KeyFile.parse(text), text)
    }
  })

  test(
    "is replaced as a whole, and keeps who may read it",
    Effect.gen(function*() {
      const { at, file, path, text } = yield* opened()
      assert.isUndefined(yield* file.write(next))
      assert.strictEqual(text(), `${line(2)}\n${line(1)}\n`)
      assert.strictEqual(Fs.statSync(path).mode & 0o777, 0o640)
      assert.deepStrictEqual(Fs.readdirSync(at), ["gossip.key"])
      // and again, from what was written
      assert.isUndefined(yield* file.write([key(2)]))
      assert.strictEqual(text(), `${line(2)}\n`)
    })
  )

  test(
    "is not touched where it has the keys",
    Effect.gen(function*() {
      const { file, path } = yield* opened()
      Fs.writeFileSync(path, `\n${line(1)}`)
      const before = Fs.statSync(path).ino
      assert.isUndefined(yield* file.write(old))
      assert.strictEqual(Fs.statSync(path).ino, before)
    })
  )

  test(
    "is written through a link, which stays one",
    Effect.gen(function*() {
      const { at, path, text } = yield* opened()
      const link = Path.join(at, "link")
      Fs.symlinkSync("gossip.key", link)
      const file = KeyFile.make(yield* FileSystem.FileSystem, link, old)
      assert.isUndefined(yield* file.write(next))
      assert.isTrue(Fs.lstatSync(link).isSymbolicLink())
      assert.strictEqual(text(), KeyFile.format(next))
      assert.isFalse(Fs.lstatSync(path).isSymbolicLink())
    })
  )

  test(
    "is kept as somebody else has changed it, until it has what is in force",
    Effect.gen(function*() {
      const { file, path, text } = yield* opened()
      const changed = `${line(7)}\n`
      Fs.writeFileSync(path, changed)
      assert.strictEqual(
        yield* file.write(next),
        `not written to ${path}: somebody else has changed it since this agent read it; `
          + "the file must be changed before a restart"
      )
      assert.strictEqual(text(), changed)
      Fs.writeFileSync(path, "no key")
      assert.match((yield* file.write(next)) ?? "", /somebody else/)
      // the operator brings it up to date
      Fs.writeFileSync(path, KeyFile.format(next))
      assert.isUndefined(yield* file.write(next))
      assert.isUndefined(yield* file.write([key(2)]))
      assert.strictEqual(text(), `${line(2)}\n`)
    })
  )

  test(
    "is not written where that was changed while the new one was prepared",
    Effect.gen(function*() {
      const paths: Array<string> = []
      const { at, file, path, text } = yield* opened((fs) => ({
        ...fs,
        chmod: (place, mode) =>
          Effect.andThen(
            fs.chmod(place, mode),
            Effect.sync(() => paths.forEach((path) => Fs.writeFileSync(path, `${line(7)}\n`)))
          )
      }))
      paths.push(path)
      assert.match((yield* file.write(next)) ?? "", /somebody else/)
      assert.strictEqual(text(), `${line(7)}\n`)
      assert.deepStrictEqual(Fs.readdirSync(at), ["gossip.key"])
    })
  )

  test(
    "may be shared by agents that are told the same at once",
    Effect.gen(function*() {
      const { at, file, path, text } = yield* opened()
      const other = KeyFile.make(yield* FileSystem.FileSystem, path, old)
      for (const keys of [next, [key(2)], [key(3), key(2)]]) {
        const told = yield* Effect.all([file.write(keys), other.write(keys)], { concurrency: "unbounded" })
        assert.deepStrictEqual(told, [undefined, undefined])
        assert.strictEqual(text(), KeyFile.format(keys))
      }
      assert.deepStrictEqual(Fs.readdirSync(at), ["gossip.key"])
    })
  )

  test(
    "has what is in force also where agents that share it were given keys in another order",
    Effect.gen(function*() {
      const { file, path, text } = yield* opened()
      const other = KeyFile.make(yield* FileSystem.FileSystem, path, old)
      assert.isUndefined(yield* file.write([key(1), key(2), key(3)]))
      assert.isUndefined(yield* other.write([key(1), key(3), key(2)]))
      assert.strictEqual(text(), KeyFile.format([key(1), key(2), key(3)]))
      assert.isUndefined(yield* other.write([key(3), key(1), key(2)]))
      assert.strictEqual(text(), KeyFile.format([key(3), key(1), key(2)]))
      // another primary key is another ring
      assert.match((yield* file.write([key(2), key(1), key(3)])) ?? "", /somebody else/)
    })
  )

  test(
    "tells why it cannot be written: it is gone, a folder, or only to be read",
    Effect.gen(function*() {
      const { file, path } = yield* opened()
      Fs.rmSync(path)
      assert.match((yield* file.write(next)) ?? "", /it is not there any more; the file must be changed/)
      Fs.mkdirSync(path)
      assert.match((yield* file.write(next)) ?? "", /it is no regular file/)

      const failing = (code: string) =>
        opened((fs) => ({
          ...fs,
          rename: (from) =>
            Effect.fail(PlatformError.systemError({
              _tag: "Unknown",
              module: "FileSystem",
              method: "rename",
              pathOrDescriptor: from,
              cause: Object.assign(new Error(code), { code })
            }))
        }))
      for (
        const [code, told] of [
          ["EROFS", "its file system is read-only"],
          ["EBUSY", "it is mounted by itself"],
          ["EODD", ": EODD;"]
        ] as const
      ) {
        const { at, file, text } = yield* failing(code)
        assert.include(yield* file.write(next), told)
        assert.strictEqual(text(), KeyFile.format(old))
        assert.deepStrictEqual(Fs.readdirSync(at), ["gossip.key"])
      }
    })
  )

  test(
    "has the former keys or the new ones, wherever the process ends",
    Effect.gen(function*() {
      const outcomes = new Set<string>()
      for (let steps = 0; !outcomes.has("done"); steps++) {
        let left = steps
        // from here on nothing is done any more, as in a process that was killed
        const ends = <A>(effect: Effect.Effect<A, PlatformError.PlatformError>) =>
          Effect.suspend(() => left-- > 0 ? effect : Effect.die("killed"))
        const { file, text } = yield* opened((fs) => ({
          ...fs,
          realPath: (path) => ends(fs.realPath(path)),
          stat: (path) => ends(fs.stat(path)),
          access: (path, options) => ends(fs.access(path, options)),
          readFileString: (path) => ends(fs.readFileString(path)),
          open: (path, options) =>
            Effect.map(
              left-- > 0 ? fs.open(path, options) : Effect.die("killed"),
              (file) =>
                Object.assign(Object.create(null), {
                  stat: file.stat,
                  writeAll: (bytes: Uint8Array) =>
                    // half of it, then the end
                    Effect.suspend(() => left-- > 0 ? file.writeAll(bytes) : file.writeAll(bytes.slice(0, 9))).pipe(
                      Effect.andThen(ends(Effect.void))
                    ),
                  sync: ends(file.sync)
                })
            ),
          chmod: (path, mode) => ends(fs.chmod(path, mode)),
          rename: (from, to) => ends(fs.rename(from, to)),
          remove: (path, options) => ends(fs.remove(path, options))
        }))
        const exit = yield* Effect.exit(file.write(next))
        assert.include([KeyFile.format(old), KeyFile.format(next)], text(), `after ${steps} steps`)
        outcomes.add(text() === KeyFile.format(next) ? "new" : "old")
        if (exit._tag === "Success" && exit.value === undefined && left > 0) outcomes.add("done")
        assert.isBelow(steps, 50)
      }
      assert.deepStrictEqual([...outcomes], ["old", "new", "done"])
    })
  )
})

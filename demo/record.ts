/**
 * `npm run demo:record`: runs the demo and writes the pictures that it draws in a terminal to an animated SVG,
 * `docs/demo.svg` or the file that is named. Nothing is made up: it is that one run, in its own time.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Stdio from "effect/Stdio"
import { fileURLToPath } from "node:url"
import { DEMO_MEMBER } from "../src/agent/cli/Program.ts"
import * as Narrator from "../src/agent/demo/Narrator.ts"
import * as Picture from "../src/agent/demo/Picture.ts"
import * as Process from "../src/agent/demo/Process.ts"
import * as Story from "../src/agent/demo/Story.ts"
import * as Text from "../src/agent/demo/Text.ts"
import * as World from "../src/agent/demo/World.ts"
import * as Film from "./Film.ts"

const NODES = 5
const SIZE: Picture.Size = { columns: 80, rows: 24 }
/** Milliseconds between two pictures, and after the last one. */
const INTERVAL = 200
const REST = 4000
const LARGEST = 200_000

const program = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const stdio = yield* Stdio.Stdio
  const [out = fileURLToPath(new URL("../docs/demo.svg", import.meta.url))] = yield* stdio.args
  const world = yield* World.make
  const frames: Array<Film.Frame> = []
  let description = ""
  const narrator: Narrator.Narrator = {
    opened: Effect.void,
    show: (state, at, last) =>
      Effect.sync(() => {
        if (!last && at - (frames.at(-1)?.at ?? -INTERVAL) < INTERVAL) return
        frames.push({ at: Math.round(at), rows: Picture.draw(state, at, SIZE) })
        if (last) {
          description = Picture.eventRows(state).map((row) =>
            Text.printed(row, { colours: false, unicode: true }).trim()
          )
            .join("; ")
        }
      }),
    summary: () => Effect.void
  }
  const member = [fileURLToPath(new URL("../src/agent/cli/main.ts", import.meta.url)), DEMO_MEMBER]
  const story = Story.run(NODES, world, Process.starting(world, member))
  yield* Effect.scoped(Narrator.during(narrator, world, story))
  const svg = Film.svg({
    title: `npm run demo: ${NODES} processes form a cluster, one is killed and returns, another leaves`,
    description,
    command: "npm run demo",
    columns: SIZE.columns,
    frames,
    rest: REST
  })
  const bytes = Buffer.byteLength(svg)
  if (bytes > LARGEST) {
    return yield* new World.DemoFailed({ message: `the recording has ${bytes} bytes, of at most ${LARGEST}` })
  }
  yield* files.writeFileString(path.resolve(out), svg)
  yield* Console.log(`${path.relative(".", path.resolve(out))}: ${frames.length} pictures, ${bytes} bytes`)
})

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

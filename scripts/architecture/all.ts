/** Everything that is generated about the architecture, by path from the root. */
import { readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import * as Graph from "./graph.ts"
import * as Imports from "./imports.ts"
import { stories } from "./record.ts"
import * as Sequence from "./sequence.ts"
import * as States from "./states.ts"

/** The sources of the library, by path from the root. */
const sources = (root: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(Path.join(root, "src"), { recursive: true, encoding: "utf8" })
      .map((file) => `src/${file.replaceAll(Path.sep, "/")}`)
      .filter((file) => file.endsWith(".ts"))
      .sort()
      .map((file) => [file, readFileSync(Path.join(root, file), "utf8")])
  )

export const generate = async (root: string): Promise<ReadonlyMap<string, string>> => {
  const files = sources(root)
  const modules = Imports.modules(files)
  const graphs = {
    "layers": Imports.layers(modules),
    "engine": Imports.folders(modules, "engine"),
    "swim": Imports.folders(modules, "swim"),
    "wire": Imports.folders(modules, "wire"),
    "testing": Imports.folders(modules, "testing"),
    "member-states": States.memberStates(),
    "life": States.life()
  }
  const pages = new Map([["docs/architecture/files.md", Imports.listing(files)]])
  for (const [name, graph] of Object.entries(graphs)) {
    pages.set(`docs/architecture/${name}.svg`, await Graph.draw(graph))
  }
  for (const [name, story] of Object.entries(stories)) {
    pages.set(`docs/architecture/${name}.svg`, Sequence.draw(story()))
  }
  return pages
}

/** What a bundler makes of a program that imports the library. */
import { build } from "esbuild"
import * as Path from "node:path"
import { gzipSync } from "node:zlib"
import type { Section } from "../../page/Section.ts"
import type { Measuring } from "../Measuring.ts"
import { root } from "../Stage.ts"

export const seconds = 3

const KB = 1000

/** What a program with a node needs. */
const PROGRAM = `export { Memberlist, MemberlistConfig, MemberlistLive, NodeTransport } from "effect-memberlist"\n`

/** The packages that are not the library. */
const EFFECT = ["effect", "@effect/*"]

/** Returns the bytes of a program in a folder, in all and as gzip packs it, and those that modules of Effect are of it. */
const bundled = async (folder: string, external: ReadonlyArray<string>) => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: folder },
    absWorkingDir: root,
    nodePaths: [Path.join(root, "node_modules")],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    external: [...external],
    logLevel: "error"
  })
  const [file] = outputFiles
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  return {
    minified: file?.contents.length ?? Number.NaN,
    gzipped: file === undefined ? Number.NaN : gzipSync(file.contents, { level: 9 }).length,
    effect: inputs.filter(([name]) => /node_modules\/(@effect|effect)\//.test(name))
      .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
  }
}

export const measure = async (measuring: Measuring): Promise<void> => {
  for (const subject of measuring.turns("ours", "before")) {
    const folder = measuring.folder(subject)
    if (folder === undefined) continue
    const all = await bundled(folder, [])
    const alone = await bundled(folder, EFFECT)
    measuring.record(subject, {
      minified: all.minified / KB,
      gzipped: all.gzipped / KB,
      ownMinified: alone.minified / KB,
      ownGzipped: alone.gzipped / KB
    })
    if (subject === "ours") {
      measuring.record("effect", { minified: all.effect / KB, gzipped: (all.gzipped - alone.gzipped) / KB })
    }
  }
}

export const section: Section = {
  title: () => "Bundle",
  text: () =>
    `A program that exports \`Memberlist\`, \`MemberlistConfig\`, \`MemberlistLive\` and \`NodeTransport\`, bundled by esbuild for Node.js,
minified, what it does not use left out; 1 kB is 1,000 bytes. "Without Effect" leaves all packages of Effect to be loaded: it is what the
library adds to a program that has them. "Effect's modules alone" is what they are of the whole, and gzipped, what they add to the library.`,
  figures: [
    { key: "minified", title: "minified, kB", digits: 1 },
    { key: "gzipped", title: "gzipped, kB", digits: 1 },
    { key: "ownMinified", title: "without Effect, kB", digits: 1 },
    { key: "ownGzipped", title: "gzipped, kB", digits: 1 }
  ]
}

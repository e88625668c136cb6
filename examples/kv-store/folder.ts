/** A folder that keeps the map of a node. */
import { Effect, FileSystem, Layer } from "effect"
import { KeyValueStore } from "effect/persistence"

/** Replaces files as a whole: who is killed while it writes leaves the file as it was before. */
const Replacing = Layer.effect(
  FileSystem.FileSystem,
  Effect.map(FileSystem.FileSystem, (files) =>
    FileSystem.FileSystem.of({
      ...files,
      writeFile: (path, bytes, options) =>
        Effect.andThen(files.writeFile(`${path}.new`, bytes, options), files.rename(`${path}.new`, path))
    }))
)

/** One folder for each node. */
export const layer = (folder: string) => KeyValueStore.layerFileSystem(folder).pipe(Layer.provide(Replacing))

/**
 * Effect SQL on `node:sqlite`, for a database that the processes of one machine share. A program with several machines
 * takes `@effect/sql-pg` or `@effect/sql-mysql2` in its place.
 */
import { Effect, Layer, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import type { SqlConnection } from "effect/sql"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"

const make = Effect.fnUntraced(function*(file: string) {
  const database = yield* Effect.acquireRelease(
    // who finds it locked waits, from the first statement on
    Effect.sync(() => new DatabaseSync(file, { timeout: 5000 })),
    (database) => Effect.sync(() => database.close())
  )
  database.exec("PRAGMA journal_mode = WAL")

  const run = (sql: string, params: ReadonlyArray<unknown>, returnArrays: boolean) =>
    Effect.try({
      try: () => {
        const statement = database.prepare(sql)
        statement.setReturnArrays(returnArrays)
        // Effect's compiler has made values of SQLite's types of them
        return statement.all(...(params as ReadonlyArray<SQLInputValue>))
      },
      catch: (cause) => new SqlError.SqlError({ reason: SqlError.classifySqliteError(cause, { operation: sql }) })
    })
  const rows: SqlConnection.Connection["execute"] = (sql, params, transform) =>
    Effect.map(run(sql, params, false), (found) => transform === undefined ? found : transform(found))
  const values: SqlConnection.Connection["executeValues"] = (sql, params) =>
    Effect.map(run(sql, params, true), (found) => found as unknown as ReadonlyArray<ReadonlyArray<unknown>>)
  const connection: SqlConnection.Connection = {
    execute: rows,
    executeUnprepared: rows,
    executeRaw: (sql, params) => run(sql, params, false),
    executeValues: values,
    executeValuesUnprepared: values,
    executeStream: () => Stream.die("streams of rows are not supported")
  }

  // one connection, and a transaction has it alone
  const turns = yield* Semaphore.make(1)
  return yield* SqlClient.make({
    driver: "node-sqlite",
    acquirer: turns.withPermits(1)(Effect.succeed(connection)),
    transactionAcquirer: Effect.as(Effect.acquireRelease(turns.take(1), () => turns.release(1)), connection),
    compiler: Statement.makeCompilerSqlite(),
    // others may write between a transaction's first read and its first write otherwise
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: []
  })
})

export const layer = (file: string): Layer.Layer<SqlClient.SqlClient> =>
  Layer.effect(SqlClient.SqlClient, make(file)).pipe(Layer.provide(Reactivity.layer))

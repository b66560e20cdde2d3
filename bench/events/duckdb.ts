import { DuckDBInstance } from '@duckdb/node-api'
import type { LoadEvent } from './load.js'

/** The same questions in SQL, by the names of the scripts. */
export const SQL: Record<string, string> = {
  'count all': 'select count(distinct person), count(*) from e',
  'group by country and page': `select country, page, count(distinct person), count(*) from e where action = 'page_view' group by country, page`,
  'purchase → next purchase': `select a, b, count(distinct person) from (select person, product a, lead(product) over (partition by person order by stamp) b from e where action = 'purchase') where b is not null group by a, b`,
  'sum by country':
    'select country, count(distinct person), sum(price) from e where price is not null group by country',
  'funnel of three steps in 7 days': `
    with s1 as (select person, min(stamp) t from e where page = 'page_0' group by person),
    s2 as (select e.person, s1.t t1, min(e.stamp) t from e join s1 on e.person = s1.person where action = 'purchase' and stamp > s1.t and stamp <= s1.t + 604800000 group by e.person, s1.t),
    s3 as (select e.person from e join s2 on e.person = s2.person where page = 'page_1' and stamp > s2.t and stamp <= s2.t1 + 604800000 group by e.person)
    select (select count(*) from s1), (select count(*) from s2), (select count(*) from s3)`,
  'sum, count, distinct people by product': `select product, count(distinct person), count(*), sum(price) from e where product is not null group by product`,
}

/** DuckDB in this process with two threads, on the same events. */
export async function openDuckDb(events: Iterable<LoadEvent>): Promise<(sql: string) => Promise<void>> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  await connection.run(
    'create table e (person varchar, stamp bigint, action varchar, page varchar, country varchar, product varchar, price double, qty integer)',
  )
  const appender = await connection.createAppender('e')
  for (const { person, stamp, action, _: values } of events) {
    appender.appendVarchar(person)
    appender.appendBigInt(BigInt(stamp))
    appender.appendVarchar(action)
    appender.appendVarchar(values.page)
    appender.appendVarchar(values.country)
    if (values.product === undefined) {
      appender.appendNull()
      appender.appendNull()
      appender.appendNull()
    } else {
      appender.appendVarchar(values.product)
      appender.appendDouble(values.price!)
      appender.appendInteger(values.qty!)
    }
    appender.endRow()
  }
  appender.closeSync()
  return async (sql) => {
    await (await connection.run(sql)).getRows()
  }
}

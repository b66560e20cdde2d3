/** What is asked of the node, of the loops by hand and of DuckDB. */
export const SCRIPTS: Record<string, string> = {
  'count all': 'agg:\n    count person\n    count action\n\nmatch:\n    tally("all")\n',
  'group by country and page':
    'agg:\n    count person\n    count page\n\nmatch where action == "page_view":\n    tally(country, page)\n',
  'purchase → next purchase':
    'agg:\n    count person\n\nmatch where action == "purchase":\n    first = product\n    iter_next()\n    match 1 where action == "purchase":\n        tally(first, product)\n',
  'sum by country': 'agg:\n    count person\n    sum price\n\nmatch where price is not None:\n    tally(country)\n',
  'funnel of three steps in 7 days': `agg:
    count person

match 1 where page == "page_0":
    start = event_time
    tally("1 seen")
    iter_next()
    match 1 where action == "purchase":
        if event_time - start <= 7 days:
            tally("2 bought")
            iter_next()
            match 1 where page == "page_1":
                if event_time - start <= 7 days:
                    tally("3 back")
`,
  'sum, count, distinct people by product':
    'agg:\n    count person\n    count product\n    sum price\n\nmatch where product is not None:\n    tally(product)\n',
}

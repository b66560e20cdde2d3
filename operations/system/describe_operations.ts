import { type Needs, operation } from '../../src/api/index.js'

export default operation('describe_operations', ({ name }, { contracts }: Needs<'contracts'>) => {
  const chosen = name === undefined ? contracts.all : [contracts.find(name)]
  return chosen.map(({ contract }) => ({
    operation: contract.operation,
    group: contract.group,
    summary: contract.summary,
    description: contract.description,
    access: [...contract.access],
    request: contract.request,
    routes: contract.alias.map(({ route }) => route),
  }))
})

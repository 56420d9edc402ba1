// What an application does with sap.ui.model.odata.v4.ODataModel, one function each. The tests compare what a function returns.
sap.ui.define([
  'sap/ui/base/ManagedObject', 'sap/ui/core/Item', 'sap/ui/model/Filter', 'sap/ui/model/FilterOperator', 'sap/ui/model/Sorter', 'sap/ui/model/odata/v4/ODataModel',
], (ManagedObject, Item, Filter, FilterOperator, Sorter, ODataModel) => {
  'use strict';

  // Something that shows rows, as a table of a library of controls does.
  const Rows = ManagedObject.extend('page.Rows', { metadata: { aggregations: { items: { type: 'sap.ui.core.Item', multiple: true, bindable: true } } } });

  const make = settings => new ODataModel({ serviceUrl: '/odata/', operationMode: 'Server', autoExpandSelect: true, ...settings });
  const rows = contexts => contexts.map(context => context.getObject());
  const bind = (path, parameters, { sorters = [], filters = [], model = make() } = {}) => model.bindList(path, null, sorters, filters, parameters);
  const read = async (path, parameters, options) => rows(await bind(path, parameters, options).requestContexts());
  const key = 'DeploymentId,FunctionalUnit,PeriodStart';

  // Rows of an aggregation, each with where it stands: the grand total on level 0, a group on the level of its property.
  const nodes = contexts => contexts.map(context => ({
    ...Object.fromEntries(Object.entries(context.getObject()).filter(([name]) => !name.includes('@'))),
    level: context.getProperty('@$ui5.node.level'), total: context.getProperty('@$ui5.node.isTotal'), expanded: context.isExpanded() ?? null,
  }));
  const requests = new Filter('FunctionalUnit', FilterOperator.EQ, 'request');
  const aggregate = async ($$aggregation, { filters = [requests], ...options } = {}) =>
    nodes(await bind('/HourlyIntensities', { $count: true, $$aggregation }, { filters, ...options }).requestContexts(0, 100));

  window.scenarios = {
    async list() {
      const binding = bind('/Deployments', { $count: true, $select: 'Id,Workload,Accelerators' });
      const contexts = await binding.requestContexts(0, 100);
      return { count: binding.getCount(), length: binding.getLength(), paths: contexts.map(context => context.getPath()), rows: rows(contexts) };
    },

    filter: () => read('/Deployments', { $select: 'Id' }, {
      sorters: [new Sorter('Id')],
      filters: [new Filter({
        and: false,
        filters: [
          new Filter('Workload', FilterOperator.EQ, 'O\'Neil\'s "batch"'),
          new Filter('Accelerators', FilterOperator.BT, 1, 3),
          new Filter('Workload', FilterOperator.StartsWith, 'übersetzer 日本 🔥'),
          new Filter({ path: 'Workload', operator: FilterOperator.Contains, value1: 'CHAT', caseSensitive: false }),
        ],
      })],
    }),

    filterTime: () => read('/HourlyIntensities', { $select: 'DeploymentId,FunctionalUnit' }, {
      filters: [new Filter('PeriodStart', FilterOperator.GE, '2026-02-01T02:00:00Z'), new Filter('Date', FilterOperator.EQ, '2026-02-01'), new Filter('DeploymentId', FilterOperator.EQ, '9007199254740993')],
    }),

    filterNull: () => read('/Deployments', { $select: 'Id' }, { filters: [new Filter('Model', FilterOperator.EQ, null)] }),

    filterNavigation: () => read('/HourlyIntensities', { $select: key }, {
      filters: [new Filter('Deployment/Country', FilterOperator.EQ, 'IE'), new Filter('Calendar/Weekday', FilterOperator.EQ, 7)],
      sorters: [new Sorter('Deployment/Accelerators', true), new Sorter('PeriodStart')],
    }),

    sort: () => read('/Deployments', { $select: 'Id' }, { sorters: [new Sorter('Accelerators', true), new Sorter('Workload'), new Sorter('Id', true)] }),

    search: () => read('/Deployments', { $select: 'Id', $search: 'chat-70b AND NOT AWS' }),

    async grow() {
      const binding = bind('/HourlyIntensities', { $count: true, $select: key });
      const lengths = [];
      for (const start of [0, 100, 200]) lengths.push((await binding.requestContexts(start, 100)).length);
      return { lengths, count: binding.getCount(), final: binding.isLengthFinal(), rows: rows(await binding.requestContexts(0, 300)) };
    },

    async jump() {
      const binding = bind('/HourlyIntensities', { $count: true, $select: key });
      return { rows: rows(await binding.requestContexts(250, 100)), count: binding.getCount() };
    },

    async pages() {
      const binding = bind('/HourlyIntensities', { $select: key });
      const lengths = [];
      for (let start = 0; !binding.isLengthFinal(); start += lengths.at(-1)) lengths.push((await binding.requestContexts(start, Infinity)).length);
      return { lengths, rows: rows(await binding.requestContexts(0, 300)) };
    },

    expand: () => bind('/HourlyIntensities', { $select: key, $expand: { Deployment: { $select: ['Place', 'Hardware'] }, Calendar: { $select: 'WeekdayName' } } }).requestContexts(0, 100).then(rows),

    async controls() {
      const shown = new Rows({ models: make() });
      const loaded = new Promise((resolve, reject) => shown.bindAggregation('items', {
        path: '/HourlyIntensities', length: 10, parameters: { $count: true }, template: new Item({ key: '{Deployment/Place}', text: '{Calendar/WeekdayName}' }),
        events: { dataReceived: event => event.getParameter('error') ? reject(event.getParameter('error')) : resolve() },
      }));
      await loaded;
      // What is shown arrives after the rows, property by property.
      while (shown.getItems().some(item => !item.getKey() || !item.getText())) await new Promise(resolve => setTimeout(resolve, 5));
      return shown.getItems().map(item => ({ key: item.getKey(), text: item.getText() }));
    },

    async key() {
      const binding = make().bindContext("/HourlyIntensities(DeploymentId=9007199254740993,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z)");
      return { row: await binding.requestObject(), measure: await binding.getBoundContext().requestProperty('AcceleratorJoules') };
    },

    keyOfText: () => make().bindContext("/Sources('rack%2F7%20''a''')").requestObject(),

    navigation: () => make().bindContext("/HourlyIntensities(DeploymentId=5,FunctionalUnit='output-token',PeriodStart=2026-01-31T21:00:00Z)/Deployment").requestObject(),

    async property() {
      const model = make();
      return Promise.all(['/Deployments(5)/Workload', '/Deployments(9223372036854775807)/Id', '/Deployments/$count', '/Deployments(5)/Precision'].map(path => model.bindProperty(path).requestValue()));
    },

    missing: () => make().bindContext('/Deployments(6)').requestObject(),

    async batch() {
      const model = make();
      const lists = ['/Deployments', '/Workloads', '/Runs'].map(path => bind(path, { $count: true }, { model }));
      await Promise.all(lists.map(list => list.requestContexts(0, 5)));
      return lists.map(list => list.getCount());
    },

    async direct() {
      const model = make({ groupId: '$direct' });
      const lists = ['/Deployments', '/Workloads', '/Runs'].map(path => bind(path, { $count: true }, { model }));
      await Promise.all(lists.map(list => list.requestContexts(0, 5)));
      return lists.map(list => list.getCount());
    },

    async failureInBatch() {
      const model = make();
      const outcomes = await Promise.allSettled([read('/Deployments', {}, { model }), read('/Deployments', { $filter: "Nope eq 'a'" }, { model }), read('/Workloads', {}, { model })]);
      return outcomes.map(({ value, reason }) => reason?.message ?? value.length);
    },

    async function() {
      const binding = make().bindContext('/Compare(...)');
      await binding.setParameter('unit', 'request').invoke();
      return binding.getBoundContext().requestObject('value');
    },

    async refresh() {
      const binding = bind('/HourlyIntensities', { $select: `${key},AcceleratorJoules` });
      const contexts = await binding.requestContexts(0, 20);
      await contexts[3].requestRefresh();
      return rows(contexts);
    },

    async download() {
      const binding = bind('/Deployments', { $select: 'Id' }, { filters: [new Filter('Provider', FilterOperator.EQ, 'gcp')], sorters: [new Sorter('Id')] });
      return (await fetch(await binding.requestDownloadUrl())).text();
    },

    sums: () => aggregate({ aggregate: { AcceleratorJoules: { with: 'sum' } }, group: { Provider: {}, FunctionalUnit: {} } }, { filters: [] }),

    customAggregates: () => aggregate(
      { aggregate: { AcceleratorJoules: {}, AcceleratorJoulesPerUnit: {} }, group: { FunctionalUnit: {}, Provider: { additionally: ['Region'] } } }, { filters: [] }),

    methods: () => aggregate({
      aggregate: { Least: { name: 'AcceleratorJoules', with: 'min' }, Most: { name: 'AcceleratorJoules', with: 'max' }, Mean: { name: 'AcceleratorJoules', with: 'average' }, Workloads: { name: 'Workload', with: 'countdistinct' } },
      group: { Provider: {} },
    }),

    filteredSums: () => aggregate({ aggregate: { AcceleratorJoules: { with: 'sum' } }, group: { Workload: {} } },
      { filters: [requests, new Filter('AcceleratorJoules', FilterOperator.GT, 2e6)], sorters: [new Sorter('AcceleratorJoules', true)] }),

    sumsOfNavigation: () => aggregate({ aggregate: { AcceleratorJoules: { with: 'sum' } }, group: { 'Deployment/Place': {} } }),

    grandTotal: () => aggregate({ aggregate: { AcceleratorJoules: { grandTotal: true, with: 'sum' }, AcceleratorJoulesPerUnit: { grandTotal: true } }, group: { Provider: {} } }),

    grandTotalAtBottom: () => aggregate({ aggregate: { AcceleratorJoules: { grandTotal: true } }, grandTotalAtBottomOnly: true, group: { Workload: {} } }, { sorters: [new Sorter('AcceleratorJoules')] }),

    grandTotalOfShown: () => aggregate({ aggregate: { AcceleratorJoules: { grandTotal: true, with: 'sum' } }, group: { Workload: {} }, 'grandTotal like 1.84': true },
      { filters: [requests, new Filter('AcceleratorJoules', FilterOperator.GT, 2e6)] }),

    async grandTotalGrowing() {
      const binding = bind('/HourlyIntensities', { $count: true, $$aggregation: { aggregate: { AcceleratorJoules: { grandTotal: true } }, group: { PeriodStart: {}, Workload: {} } } }, { filters: [requests] });
      await binding.requestContexts(0, 10);
      await binding.requestContexts(10, 20);
      return { rows: nodes(await binding.requestContexts(0, 100)), count: binding.getCount() };
    },

    async range() {
      const binding = bind('/HourlyIntensities', {}, { filters: [requests] });
      const { measureRangePromise } = binding.updateAnalyticalInfo([{ name: 'Workload', grouped: true, visible: true }, { name: 'AcceleratorJoules', total: true, with: 'sum', min: true, max: true }]);
      const [contexts, range] = await Promise.all([binding.requestContexts(0, 2), measureRangePromise]);
      return { rows: nodes(contexts), range };
    },

    async levels() {
      const binding = bind('/HourlyIntensities', {
        $count: true, $$aggregation: { aggregate: { AcceleratorJoules: { grandTotal: true, subtotals: true, with: 'sum' } }, group: { Date: {} }, groupLevels: ['Provider', 'Workload'] },
      }, { filters: [requests], sorters: [new Sorter('Provider', true), new Sorter('Workload')] });
      const collapsed = await binding.requestContexts(0, 100);
      const steps = [nodes(collapsed)];
      await collapsed[1].expand();
      const workloads = await binding.requestContexts(0, 100);
      steps.push(nodes(workloads));
      await workloads[2].expand();
      steps.push(nodes(await binding.requestContexts(0, 100)));
      collapsed[1].collapse();
      steps.push(nodes(await binding.requestContexts(0, 100)));
      return { steps, leaves: binding.getCount() };
    },

    async levelsOfTime() {
      const binding = bind('/HourlyIntensities', { $$aggregation: { aggregate: { AcceleratorJoules: { subtotals: true } }, groupLevels: ['PeriodStart', 'DeploymentId'] } },
        { filters: [requests], sorters: [new Sorter('PeriodStart', true)] });
      const [last] = await binding.requestContexts(0, 100);
      await last.expand();
      return nodes(await binding.requestContexts(0, 100));
    },

    searchedSums: () => aggregate({ aggregate: { AcceleratorJoules: { grandTotal: true } }, group: { Workload: {} }, search: 'chat-70b OR "zz"' }),

    async searchedLevels() {
      const binding = bind('/HourlyIntensities', { $$aggregation: { aggregate: { AcceleratorJoules: { subtotals: true } }, groupLevels: ['Provider', 'Workload'], search: 'padded' } }, { filters: [requests] });
      const [provider] = await binding.requestContexts(0, 100);
      await provider.expand();
      return nodes(await binding.requestContexts(0, 100));
    },

    async metadata() {
      const meta = make().getMetaModel();
      const of = path => meta.requestObject(path);
      return {
        unit: await of('/HourlyIntensities/AcceleratorJoules@Org.OData.Measures.V1.Unit'),
        ratio: await of('/HourlyIntensities/JoulesPerUnit@Org.OData.Measures.V1.Unit'),
        code: await of('/HourlyIntensities/AcceleratorJoules@Org.OData.Measures.V1.UNECEUnit'),
        description: await of('/HourlyIntensities/Units@Org.OData.Core.V1.Description'),
        ofNavigation: await of('/HourlyIntensities/Deployment/Workload@Org.OData.Core.V1.Description'),
        key: (await of('/HourlyIntensities/')).$Key,
        searchable: await of('/HourlyIntensities@Org.OData.Capabilities.V1.SearchRestrictions/Searchable'),
        apply: await of('/HourlyIntensities@Org.OData.Aggregation.V1.ApplySupported/Transformations'),
        custom: await of('/HourlyIntensities@Org.OData.Aggregation.V1.CustomAggregate#JoulesPerUnit'),
        type: await of('/HourlyIntensities/PeriodStart/$Type'),
        shownAs: (await meta.requestUI5Type('/HourlyIntensities/PeriodStart')).getName(),
      };
    },

    unknown: () => read('/Deployments', { $filter: "Nope eq 'a'" }),

    unknownDirect: () => read('/Deployments', { $filter: "Nope eq 'a'" }, { model: make({ groupId: '$direct' }) }),
  };
});

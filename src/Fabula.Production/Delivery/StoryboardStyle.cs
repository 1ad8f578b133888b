namespace Fabula.Production.Delivery;

/// <summary>How the storyboard looks: by day and by night, on a telephone and on paper.</summary>
static class StoryboardStyle
{
    public const string Css = """
        :root { --paper: #faf8f3; --card: #fff; --ink: #22201c; --soft: #6d675c; --line: #e2dccf; --accent: #a3442a; }
        @media (prefers-color-scheme: dark) {
          :root { --paper: #181715; --card: #22211e; --ink: #ece7dc; --soft: #a49c8d; --line: #3a3731; --accent: #e59a78; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
        main { max-width: 1180px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
        h1 { font: 600 2.6rem/1.1 Georgia, "Times New Roman", serif; margin: 0 0 .5rem; overflow-wrap: anywhere; }
        .about { font-size: 1.15rem; color: var(--soft); margin: 0 0 1rem; max-width: 46rem; white-space: pre-line; }
        .chips { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; padding: 0; }
        .chips li { border: 1px solid var(--line); border-radius: 99px; padding: .1rem .8rem; font-size: .85rem; color: var(--soft); }
        h2 { font: 700 1rem/1.4 "Courier Prime", "Courier New", monospace; letter-spacing: .04em; margin: 3rem 0 1rem;
             padding-bottom: .4rem; border-bottom: 2px solid var(--ink); overflow-wrap: anywhere; }
        .overview { color: var(--soft); font-style: italic; margin: 0 0 1rem; }
        article { display: grid; grid-template-columns: minmax(0, 22rem) minmax(0, 1fr); gap: 2rem; padding: 1.25rem 0;
                  border-bottom: 1px solid var(--line); break-inside: avoid; }
        article:target h3 { color: var(--accent); }
        .script { font: .95rem/1.45 "Courier Prime", "Courier New", monospace; overflow-wrap: anywhere; white-space: pre-line; }
        .script p { margin: 0 0 .8rem; }
        .script .cue { margin: 0 0 0 34%; }
        .script .aside { margin: 0 0 0 24%; }
        .script .said { margin: 0 10% .8rem 14%; }
        .script .lyric { font-style: italic; }
        .script .join { text-align: right; color: var(--soft); }
        .script .centred { text-align: center; }
        .board { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem; min-width: 0; }
        .bridge .board { border-style: dashed; padding: .6rem .9rem; }
        .bridge img { max-width: 9rem; opacity: .9; }
        .pictures { display: flex; gap: .4rem; }
        .pictures img { flex: 1 1 0; min-width: 0; width: 100%; height: auto; border-radius: 5px; display: block; }
        h3 { font-size: 1rem; font-weight: 500; margin: .7rem 0 .1rem; overflow-wrap: anywhere; }
        h3 b, dd b { display: inline-block; min-width: 1.5em; padding: 0 .35em; border-radius: 4px; background: var(--accent);
                     color: var(--card); text-align: center; font-size: .85em; }
        .facts { margin: 0; font-size: .87rem; color: var(--soft); }
        details { margin-top: .5rem; font-size: .87rem; }
        summary { cursor: pointer; color: var(--accent); }
        dl { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .35rem .8rem; margin: .6rem 0 0; }
        dt { color: var(--soft); }
        dd { margin: 0; overflow-wrap: anywhere; white-space: pre-line; }
        dd a { color: inherit; margin-right: .6rem; white-space: nowrap; }
        .recalled { display: flex; flex-wrap: wrap; gap: .5rem; white-space: normal; }
        .recalled figure { margin: 0; flex: 0 1 7.5rem; }
        .recalled img { width: 100%; height: auto; border-radius: 4px; display: block; }
        .recalled figcaption { color: var(--soft); font-size: .92em; }
        footer { margin-top: 2.5rem; font-size: .87rem; color: var(--soft); }
        @media (max-width: 46rem) {
          article { grid-template-columns: 1fr; gap: .8rem; }
          dl { grid-template-columns: 1fr; gap: 0; }
          dd { margin-bottom: .5rem; }
        }
        @media print { body { background: none; } details:not([open]) { display: none; } }

        """;
}

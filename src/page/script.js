// Searching and filtering the list. What is looked for stands in the address after `#`, so that a link leads to it.
"use strict";

(() => {
    const form = document.getElementById("find");
    const {q, phase} = form.elements;
    const shown = document.getElementById("shown");
    const all = shown.textContent;
    const entries = Array.from(document.querySelectorAll("#apis > li"), (item) => ({item, phase: item.dataset.phase}));
    const pause = 200;
    let waiting;

    // Letters without accents and case: who looks for `cafe` finds `Café`.
    const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

    const words = ({item}) => {
        const texts = item.querySelectorAll("h2, p, dd");
        return fold(Array.from(texts, (text) => text.textContent).join(" "));
    };

    function show() {
        const wanted = fold(q.value).split(/\s+/).filter(Boolean);
        const only = phase.value;
        let count = 0;
        for (const entry of entries) {
            if (wanted.length > 0) {
                entry.words ??= words(entry);
            }
            const fits = (!only || entry.phase === only) && wanted.every((word) => entry.words.includes(word));
            entry.item.hidden = !fits;
            count += fits ? 1 : 0;
        }
        if (count === entries.length) {
            shown.textContent = all;
        } else if (count === 0) {
            shown.textContent = "No API is like that.";
        } else {
            shown.textContent = `${count} of ${all}`;
        }
    }

    function remember() {
        const state = new URLSearchParams();
        for (const field of [q, phase]) {
            if (field.value) {
                state.set(field.name, field.value);
            }
        }
        const hash = state.toString();
        if (hash !== location.hash.slice(1)) {
            history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
        }
    }

    function recall() {
        const hash = location.hash.slice(1);
        // An address without `=` is that of a place on the page.
        if (hash && !hash.includes("=")) {
            return;
        }
        const state = new URLSearchParams(hash);
        q.value = state.get("q") ?? "";
        phase.value = state.get("phase") ?? "";
        if (phase.selectedIndex < 0) {
            phase.value = "";
        }
        show();
    }

    function look() {
        clearTimeout(waiting);
        waiting = setTimeout(() => {
            show();
            remember();
        }, pause);
    }

    form.addEventListener("input", look);
    form.addEventListener("reset", () => {
        // The fields are empty only after this event.
        setTimeout(() => {
            look();
            q.focus();
        });
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        clearTimeout(waiting);
        show();
        remember();
    });
    window.addEventListener("hashchange", recall);
    form.hidden = false;
    recall();
})();

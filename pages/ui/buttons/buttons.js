// A button that copies the address or prints the page.
// data: { action: "copy" or "print", label, limitation: a sentence about what the link does not contain, or "" }

const ICONS = {
  copy: "M10 14a4.5 4.5 0 0 0 6.4 0l3.2-3.2a4.5 4.5 0 0 0-6.4-6.4l-1 1M14 10a4.5 4.5 0 0 0-6.4 0l-3.2 3.2a4.5 4.5 0 0 0 6.4 6.4l1-1",
  print: "M7 8V3h10v5M7 17H4V9h16v8h-3M7 14h10v7H7z",
};

// without HTTPS there is no navigator.clipboard
function copyBySelection(field) {
  field.hidden = false;
  field.select();
  return document.execCommand("copy");
}

async function copy(status, field, limitation) {
  field.value = location.href;
  let copied;
  try {
    await navigator.clipboard.writeText(location.href);
    copied = true;
  } catch {
    copied = copyBySelection(field);
  }
  field.hidden = copied;
  status.textContent = (copied ? "Link copied. " : "Copy this link: ") + limitation;
}

export default function (component) {
  const { data, parentElement } = component;
  const [button, status, field] = ["button", "p", "input"].map((name) => parentElement.querySelector(name));
  button.querySelector("path").setAttribute("d", ICONS[data.action]);
  button.querySelector("span").textContent = data.label;
  button.onclick = () => (data.action === "print" ? window.print() : copy(status, field, data.limitation));
}

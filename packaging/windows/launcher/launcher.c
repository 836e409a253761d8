/* maskwright.exe and maskwright.com: Python, told where the program lies.
 *
 * Python runs inside this process, so that Task Manager, the taskbar and whoever ends the process see the
 * program and not "Python"; there is no second process to forward signals, handles and exit codes to.
 * Workers are started by Python itself, as python\pythonw.exe (python\python.exe on the command line).
 *
 * One source, twice compiled (packaging/windows/launchers.py): with -mwindows the window, without a
 * console of its own; with -mconsole and -DCONSOLE the command line. Windows fixes in the executable's
 * header which of the two it is.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <shellapi.h>
#include <stdio.h>
#include <wchar.h>

#define LONGEST 32767 /* what Windows allows a path with \\?\ */
#define PYTHON L"python\\" PYTHON_DLL
#ifdef CONSOLE
#define INTERPRETER L"python\\python.exe"
#else
#define INTERPRETER L"python\\pythonw.exe"
#endif
#define PROGRAM L"program\\main.py"

#define DAMAGED 1
static const wchar_t *const DAMAGED_ENGLISH =
    L"Maskwright is not complete: %ls cannot be loaded (error %lu).\n"
    L"Run its setup again; projects and settings stay as they are.";
static const wchar_t *const DAMAGED_CHINESE =
    L"Maskwright 不完整：无法加载 %ls（错误 %lu）。\n请重新运行安装程序；项目和设置保持不变。";
typedef int (*main_function)(int, wchar_t **);
typedef int (*put_environment)(const wchar_t *, const wchar_t *);
typedef void *(*get_stream)(unsigned);
typedef void *(*reopen_stream)(const wchar_t *, const wchar_t *, void *);
typedef int (*get_descriptor)(void *);
typedef int (*replace_descriptor)(int, int);

static wchar_t root[LONGEST + 1]; /* ends with a backslash */

static void *allocate(size_t characters) {
    void *memory = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, characters * sizeof(wchar_t));
    if (!memory) ExitProcess(DAMAGED);
    return memory;
}

static wchar_t *below_root(const wchar_t *name) {
    wchar_t *path = allocate(wcslen(root) + wcslen(name) + 1);
    wcscpy(path, root);
    wcscat(path, name);
    return path;
}

static BOOL is_chinese(void) {
    return PRIMARYLANGID(GetUserDefaultUILanguage()) == LANG_CHINESE;
}

static void say(const wchar_t *text) {
#ifdef CONSOLE
    HANDLE error = GetStdHandle(STD_ERROR_HANDLE);
    DWORD mode, written;
    if (GetConsoleMode(error, &mode)) {
        WriteConsoleW(error, text, (DWORD)wcslen(text), &written, NULL);
        WriteConsoleW(error, L"\n", 1, &written, NULL);
    } else {
        int bytes = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
        char *encoded = allocate((size_t)bytes);
        WideCharToMultiByte(CP_UTF8, 0, text, -1, encoded, bytes, NULL, NULL);
        WriteFile(error, encoded, (DWORD)bytes - 1, &written, NULL);
        WriteFile(error, "\n", 1, &written, NULL);
    }
#else
    MessageBoxW(NULL, text, L"Maskwright", MB_OK | MB_ICONERROR | MB_SETFOREGROUND);
#endif
}

static int complain_of(const wchar_t *path) {
    DWORD error = GetLastError();
    const wchar_t *words = is_chinese() ? DAMAGED_CHINESE : DAMAGED_ENGLISH;
    size_t length = wcslen(words) + wcslen(path) + 16;
    wchar_t *text = allocate(length);
    _snwprintf(text, length - 1, words, path, error);
    say(text);
    return DAMAGED;
}

/* What other programs set for theirs: another Python's modules, another Qt's plug-ins. */
static BOOL is_foreign(const wchar_t *variable) {
    return wcsncmp(variable, L"PYTHON", 6) == 0 || wcsncmp(variable, L"__PYVENV_LAUNCHER__=", 20) == 0 ||
           wcsncmp(variable, L"QT_PLUGIN_PATH=", 15) == 0 ||
           wcsncmp(variable, L"QT_QPA_PLATFORM_PLUGIN_PATH=", 28) == 0;
}

/* By the C library, which has a copy of its own and changes the process's as well. */
static void set_environment(put_environment put) {
    wchar_t *block = GetEnvironmentStringsW();
    for (wchar_t *variable = block; block && *variable; variable += wcslen(variable) + 1) {
        wchar_t *end = wcschr(variable, L'=');
        if (!is_foreign(variable) || !end) continue;
        wchar_t *name = allocate((size_t)(end - variable) + 1);
        wcsncpy(name, variable, (size_t)(end - variable));
        put(name, L"");
        SetEnvironmentVariableW(name, NULL);
    }
    if (block) FreeEnvironmentStringsW(block);
    wchar_t *folder = below_root(L"");
    folder[wcslen(folder) - 1] = L'\0';
    put(L"MASKWRIGHT_INSTALLATION", folder);
    SetEnvironmentVariableW(L"MASKWRIGHT_INSTALLATION", folder);
}

#ifndef CONSOLE
static const wchar_t *const FAILED_ENGLISH =
    L"Maskwright could not start. What went wrong is in\n%ls\n\n"
    L"Running its setup again repairs a damaged installation; projects and settings stay as they are.";
static const wchar_t *const FAILED_CHINESE =
    L"Maskwright 无法启动。错误信息见\n%ls\n\n重新运行安装程序可修复损坏的安装；项目和设置保持不变。";
static wchar_t error_path[MAX_PATH + 32];

/* The C library's own stream: Python asks it for its descriptor, which has none without a console. */
static void give_stream(HMODULE library, int descriptor, const wchar_t *path) {
    get_stream stream = (get_stream)(void *)GetProcAddress(library, "__acrt_iob_func");
    reopen_stream reopen = (reopen_stream)(void *)GetProcAddress(library, "_wfreopen");
    get_descriptor number = (get_descriptor)(void *)GetProcAddress(library, "_fileno");
    replace_descriptor replace = (replace_descriptor)(void *)GetProcAddress(library, "_dup2");
    if (!stream || !reopen || !number || !replace) return;
    void *opened = reopen(path, L"w", stream((unsigned)descriptor));
    if (opened && number(opened) != descriptor) replace(number(opened), descriptor); /* for native libraries */
}

/* Without a console there is nowhere to say why Python did not start: a file takes it. Started with
   arguments from a console, that console does. */
static void give_output(HMODULE library, BOOL has_arguments) {
    if (GetStdHandle(STD_ERROR_HANDLE)) return; /* whoever started us listens already */
    if (has_arguments && AttachConsole(ATTACH_PARENT_PROCESS)) {
        for (int descriptor = 1; descriptor <= 2; descriptor++) give_stream(library, descriptor, L"CONOUT$");
        return;
    }
    DWORD length = GetTempPathW(MAX_PATH, error_path);
    if (length == 0 || length > MAX_PATH) return;
    wcscat(error_path, L"maskwright-start.log");
    give_stream(library, 2, error_path);
}
#endif

static int run(void) {
    DWORD length = GetModuleFileNameW(NULL, root, LONGEST);
    wchar_t *name = length ? wcsrchr(root, L'\\') : NULL;
    if (!name || length >= LONGEST) return complain_of(L"maskwright");
    name[1] = L'\0';

    /* As if this executable lay beside Python's own: packages find the Visual C++ runtime there. */
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    AddDllDirectory(below_root(L"python"));
    wchar_t *path = below_root(PYTHON);
    HMODULE python = LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (!python) return complain_of(path);
    main_function python_main = (main_function)(void *)GetProcAddress(python, "Py_Main");
    HMODULE library = GetModuleHandleW(L"ucrtbase.dll");
    put_environment put = library ? (put_environment)(void *)GetProcAddress(library, "_wputenv_s") : NULL;
    wchar_t *program = below_root(PROGRAM);
    if (!python_main || !put) return complain_of(path);
    if (GetFileAttributesW(program) == INVALID_FILE_ATTRIBUTES) return complain_of(program);
    set_environment(put);

    int given;
    wchar_t **arguments = CommandLineToArgvW(GetCommandLineW(), &given);
    if (!arguments) return complain_of(L"maskwright");
    /* Its name becomes sys.executable. -I: no environment, no user's packages; -B: nothing is written
       into the installation; UTF-8 whatever the code page. Workers are started with the same flags. */
    wchar_t *options[] = {below_root(INTERPRETER), L"-I", L"-B", L"-X", L"utf8", program};
    int fixed = sizeof options / sizeof *options;
    wchar_t **all = allocate((size_t)(fixed + given + 1) * sizeof(wchar_t *));
    for (int index = 0; index < fixed; index++) all[index] = options[index];
    for (int index = 1; index < given; index++) all[fixed + index - 1] = arguments[index];
    int count = fixed + (given > 0 ? given - 1 : 0);
#ifdef CONSOLE
    return python_main(count, all);
#else
    give_output(library, given > 1);
    int code = python_main(count, all);
    if (code == 1 && *error_path) {
        const wchar_t *words = is_chinese() ? FAILED_CHINESE : FAILED_ENGLISH;
        size_t size = wcslen(words) + wcslen(error_path) + 1;
        wchar_t *text = allocate(size);
        _snwprintf(text, size - 1, words, error_path);
        say(text);
    }
    return code;
#endif
}

#ifdef CONSOLE
int main(void) {
    return run();
}
#else
int WINAPI WinMain(HINSTANCE instance, HINSTANCE before, LPSTR line, int show) {
    (void)instance, (void)before, (void)line, (void)show;
    return run();
}
#endif

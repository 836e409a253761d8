; What setup says. Setup takes the language of Windows' own windows.

!macro TEXT NAME ENGLISH CHINESE
    LangString ${NAME} ${LANG_ENGLISH} "${ENGLISH}"
    LangString ${NAME} ${LANG_SIMPCHINESE} "${CHINESE}"
!macroend

!macro TEXTS
    !insertmacro TEXT NewText \
        "This installs ${NAME} ${VERSION} for you alone. No administrator and no network are needed." \
        "将为您本人安装 ${NAME} ${VERSION}。不需要管理员权限，也不需要网络。"
    !insertmacro TEXT UpdateText \
        "Version $EarlierVersion is installed and becomes ${VERSION}. Projects and settings stay as they are." \
        "已安装的版本 $EarlierVersion 将更新为 ${VERSION}。项目和设置保持不变。"
    !insertmacro TEXT RepairText \
        "Version ${VERSION} is installed. All its files are laid down again, which repairs it. Projects and settings stay as they are." \
        "版本 ${VERSION} 已安装。将重新写入其全部文件以修复安装。项目和设置保持不变。"
    !insertmacro TEXT LaterText \
        "A later version is installed: $EarlierVersion. This is ${VERSION}." \
        "已安装较新的版本 $EarlierVersion，本安装程序为 ${VERSION}。"
    !insertmacro TEXT BackText \
        "It may refuse projects that the later version has opened. Go back to it?" \
        "它可能无法打开较新版本打开过的项目。是否退回到该版本？"
    !insertmacro TEXT RunningText \
        "${NAME} is running. Close its window, wait for its jobs, and try again." \
        "${NAME} 正在运行。请关闭其窗口，等待任务结束后重试。"
    !insertmacro TEXT LongText \
        "The folder's path is too long: with it, files would have more than 259 characters. Choose a shorter one." \
        "文件夹路径过长：其中文件的路径将超过 259 个字符。请选择较短的路径。"
    !insertmacro TEXT ForeignText \
        "$INSTDIR holds other files. Choose an empty folder or a new one." \
        "$INSTDIR 中有其他文件。请选择空文件夹或新文件夹。"
    !insertmacro TEXT SpaceText \
        "There is too little space on the disk: $2 KB are needed, $0 KB are free." \
        "磁盘空间不足：需要 $2 KB，可用 $0 KB。"
    !insertmacro TEXT WindowsText \
        "${NAME} needs 64-bit Windows 10 or later." \
        "${NAME} 需要 64 位 Windows 10 或更高版本。"
    !insertmacro TEXT CopyingText "Copying files …" "正在复制文件…"
    !insertmacro TEXT StaysText "Could not be removed" "无法删除"
    !insertmacro TEXT KeptText \
        "$INSTDIR stays: it holds files that setup did not lay down." \
        "保留 $INSTDIR：其中有不是由安装程序写入的文件。"
    !insertmacro TEXT ProgramText \
        "Semantic segmentation: label, train, inspect, compress, ship" \
        "语义分割：标注、训练、检查、压缩、交付"
    !insertmacro TEXT CommandLineText \
        "A command line that knows the command maskwright" \
        "可使用 maskwright 命令的命令行"
    !insertmacro TEXT DesktopName "Icon on the desktop" "桌面图标"
    !insertmacro TEXT DesktopText "An icon on your desktop." "在桌面上创建图标。"
    !insertmacro TEXT OpenWithName "“Open with” for projects" "项目的“打开方式”"
    !insertmacro TEXT OpenWithText \
        "Offers ${NAME} in the menus of folders and of project.db. What opens them now stays as it is." \
        "在文件夹和 project.db 的菜单中提供 ${NAME}。现有的打开方式保持不变。"
    !insertmacro TEXT OpenText "Open with ${NAME}" "用 ${NAME} 打开"
    !insertmacro TEXT ProjectText "${NAME} project" "${NAME} 项目"
!macroend

; Setup of Maskwright: for one user, without an administrator, for 64-bit Windows 10 and later.
;
; packaging/windows/installer.py defines:
;   VERSION, VERSION_NUMBERS   such as 0.2.0 and 0.2.0.4000
;   OUT_FILE                   the setup that is written
;   FILES                      script that lays down all files, made from the tree
;   LISTS                      folder with files.txt and directories.txt (file_lists.py)
;   LONGEST                    characters of the longest path in the tree
;   SIZE_KB                    of the tree
;   ICON                       the program's
;   COMPRESSION                arguments of SetCompressor
;   DICTIONARY_MB              of LZMA, not defined for others
;   STORED                     only where nothing is compressed
;   SIGN                       only where things are signed: shell script that signs the uninstaller
;
; Exit codes, for roll-out (docs/guide/installing.md): 0 done, 1 cancelled, 2 not completed, 3 the program
; is running, 4 a later version is installed, 5 too little space, 6 the folder cannot be used, 7 Windows is
; too old.
Unicode true
Target amd64-unicode
ManifestLongPathAware true
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
SetCompressor ${COMPRESSION}
!ifdef STORED
    SetCompress off
!endif
!ifdef DICTIONARY_MB
    SetCompressorDictSize ${DICTIONARY_MB}
!endif
SetOverwrite on
SetDateSave on
AllowSkipFiles off
CRCCheck on

!define NAME "Maskwright"
!define KEY "Software\${NAME}"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define APP_PATH_KEY "Software\Microsoft\Windows\CurrentVersion\App Paths\maskwright.exe"
!define PROJECT "Maskwright.Project"
!define FOLDER_VERB "Software\Classes\Directory\shell\${NAME}"
!define LISTED "$INSTDIR\uninstall"
!define EXIT_RUNNING 3
!define EXIT_LATER 4
!define EXIT_SPACE 5
!define EXIT_FOLDER 6
!define EXIT_WINDOWS 7

Name "${NAME}"
Caption "${NAME} ${VERSION}"
BrandingText "${NAME} ${VERSION}"
OutFile "${OUT_FILE}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}" ; short: packages nest deep, and Windows counts to 259
InstallDirRegKey HKCU "${KEY}" "Folder"
VIProductVersion "${VERSION_NUMBERS}"
VIFileVersion "${VERSION_NUMBERS}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "CompanyName" "${NAME}"
VIAddVersionKey "FileDescription" "${NAME} setup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"

!include "MUI2.nsh"
!include "LogicLib.nsh"
!include "FileFunc.nsh"
!include "WordFunc.nsh"
!include "WinVer.nsh"
!include "x64.nsh"
!include "Sections.nsh"
!include "texts.nsh"
!include "lists.nsh"

Var WelcomeText
Var EarlierVersion
Var EarlierFolder

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_NOAUTOCLOSE
!define MUI_WELCOMEPAGE_TEXT "$WelcomeText"
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_COMPONENTS
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE CheckFolder
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_RUN "$INSTDIR\maskwright.exe"
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "SimpChinese"
!insertmacro TEXTS

!ifdef SIGN
    !uninstfinalize 'sh "${SIGN}" "%1"' = 0
!endif

; Ends setup with a sentence: in a box, or without a window in a file beside the temporary ones.
!macro REFUSE_FUNCTION un
Function ${un}Refuse ; stack: exit code, sentence
    Pop $0
    Pop $1
    ${If} ${Silent}
        FileOpen $2 "$TEMP\maskwright-setup.log" w
        FileWriteUTF16LE /BOM $2 "$1$\r$\n"
        FileClose $2
    ${Else}
        MessageBox MB_OK|MB_ICONSTOP "$1"
    ${EndIf}
    SetErrorLevel $0
    Quit
FunctionEnd
!macroend
!insertmacro REFUSE_FUNCTION ""
!insertmacro REFUSE_FUNCTION "un."
!macro REFUSE un CODE SENTENCE
    Push "${SENTENCE}"
    Push "${CODE}"
    Call ${un}Refuse
!macroend

; Windows lets nobody write to what runs: one look at each file that every process of ours holds.
!macro IN_USE_FUNCTION un
Function ${un}InUse ; stack: folder -> 1 if a file of the program there is in use, else 0
    Exch $0
    Push $1
    Push $2
    StrCpy $2 0
    !insertmacro LOOK_AT "$0\maskwright.exe"
    !insertmacro LOOK_AT "$0\maskwright.com"
    !insertmacro LOOK_AT "$0\python\python311.dll"
    !insertmacro LOOK_AT "$0\tools\uv.exe"
    StrCpy $0 $2
    Pop $2
    Pop $1
    Exch $0
FunctionEnd
!macroend
!macro LOOK_AT PATH
    ${If} ${FileExists} "${PATH}"
        ClearErrors
        FileOpen $1 "${PATH}" a
        ${If} ${Errors}
            StrCpy $2 1
        ${Else}
            FileClose $1
        ${EndIf}
    ${EndIf}
!macroend
!insertmacro IN_USE_FUNCTION ""
!insertmacro IN_USE_FUNCTION "un."
!macro REFUSE_WHILE_RUNNING un FOLDER
    ${Do}
        Push "${FOLDER}"
        Call ${un}InUse
        Pop $0
        ${IfThen} $0 == 0 ${|} ${Break} ${|}
        ${If} ${Silent}
            !insertmacro REFUSE "${un}" ${EXIT_RUNNING} "$(RunningText)"
        ${EndIf}
        ${If} ${Cmd} `MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RunningText)" IDCANCEL`
            SetErrorLevel ${EXIT_RUNNING}
            Quit
        ${EndIf}
    ${Loop}
!macroend

!insertmacro REMOVE_INSTALLATION_FUNCTION ""
!insertmacro REMOVE_INSTALLATION_FUNCTION "un."

!macro FORGET_DESKTOP
    Delete "$DESKTOP\${NAME}.lnk"
    DeleteRegValue HKCU "${KEY}" "Desktop"
!macroend
!macro FORGET_OPEN_WITH
    DeleteRegKey HKCU "${FOLDER_VERB}"
    DeleteRegKey HKCU "Software\Classes\${PROJECT}"
    DeleteRegValue HKCU "Software\Classes\.db\OpenWithProgids" "${PROJECT}"
    DeleteRegKey /ifempty HKCU "Software\Classes\.db\OpenWithProgids"
    DeleteRegKey /ifempty HKCU "Software\Classes\.db"
    DeleteRegValue HKCU "${KEY}" "OpenWith"
!macroend
!macro READ_CHOICE SECTION VALUE OPTION
    ReadRegDWORD $0 HKCU "${KEY}" "${VALUE}"
    ${GetParameters} $1
    ClearErrors
    ${GetOptions} $1 "${OPTION}" $2
    ${IfNot} ${Errors}
        StrCpy $0 1
        ${IfThen} $2 == "=0" ${|} StrCpy $0 0 ${|}
    ${EndIf}
    ${If} $0 == 1
        !insertmacro SelectSection ${SECTION}
    ${EndIf}
!macroend

Section "-program" PROGRAM
    !insertmacro REFUSE_WHILE_RUNNING "" "$INSTDIR"
    SetOutPath "${LISTED}"
    File "/oname=files.coming.txt" "${LISTS}/files.txt"
    File "/oname=directories.coming.txt" "${LISTS}/directories.txt"
    !insertmacro REMOVE_STALE "files.new.txt" "files.coming.txt" ; an earlier run did not come to its end
    !insertmacro REMOVE_EMPTY "$INSTDIR" "directories.new.txt"
    !insertmacro SUCCEED "coming" "new"
    DetailPrint "$(CopyingText)"
    SetDetailsPrint textonly
    !include "${FILES}"
    SetDetailsPrint both
    SetOutPath "$INSTDIR"
    WriteUninstaller "$INSTDIR\uninstall.exe"

    !insertmacro REMOVE_STALE "files.txt" "files.new.txt" ; what the earlier version had and this one has not
    !insertmacro REMOVE_EMPTY "$INSTDIR" "directories.txt"
    !insertmacro SUCCEED "new" ""

    ; One installation a user: an earlier one elsewhere goes, by its own lists.
    ${If} $EarlierFolder != ""
    ${AndIf} $EarlierFolder != $INSTDIR
        Push "$EarlierFolder"
        Call RemoveInstallation
        Pop $0
    ${EndIf}

    CreateDirectory "$SMPROGRAMS\${NAME}"
    CreateShortcut "$SMPROGRAMS\${NAME}\${NAME}.lnk" "$INSTDIR\maskwright.exe" "" "$INSTDIR\maskwright.exe" 0 \
        SW_SHOWNORMAL "" "$(ProgramText)"
    SetOutPath "$PROFILE" ; where the command line begins
    CreateShortcut "$SMPROGRAMS\${NAME}\${NAME} command line.lnk" "$SYSDIR\cmd.exe" \
        '/k "set PATH=$INSTDIR;%PATH%"' "$INSTDIR\maskwright.com" 0 SW_SHOWNORMAL "" "$(CommandLineText)"
    SetOutPath "$INSTDIR"

    WriteRegStr HKCU "${KEY}" "Folder" "$INSTDIR"
    WriteRegStr HKCU "${KEY}" "Version" "${VERSION}"
    WriteRegStr HKCU "${APP_PATH_KEY}" "" "$INSTDIR\maskwright.exe"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\maskwright.exe"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "${NAME}"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
    WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
    WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1 ; setup itself repairs, run again
SectionEnd

Section /o "$(DesktopName)" DESKTOP
    CreateShortcut "$DESKTOP\${NAME}.lnk" "$INSTDIR\maskwright.exe"
    WriteRegDWORD HKCU "${KEY}" "Desktop" 1
SectionEnd

; Offered beside others, never in their place: folders keep opening in Explorer, .db files where they did.
Section /o "$(OpenWithName)" OPEN_WITH
    WriteRegStr HKCU "${FOLDER_VERB}" "" "$(OpenText)"
    WriteRegStr HKCU "${FOLDER_VERB}" "Icon" "$INSTDIR\maskwright.exe"
    WriteRegStr HKCU "${FOLDER_VERB}\command" "" '"$INSTDIR\maskwright.exe" open "%V"'
    WriteRegStr HKCU "Software\Classes\${PROJECT}" "" "$(ProjectText)"
    WriteRegStr HKCU "Software\Classes\${PROJECT}\DefaultIcon" "" "$INSTDIR\maskwright.exe,0"
    WriteRegStr HKCU "Software\Classes\${PROJECT}\shell\open\command" "" '"$INSTDIR\maskwright.exe" open "%1"'
    WriteRegStr HKCU "Software\Classes\.db\OpenWithProgids" "${PROJECT}" ""
    WriteRegDWORD HKCU "${KEY}" "OpenWith" 1
SectionEnd

; Choices that were made before and are not any longer.
Section "-choices"
    ${IfNot} ${SectionIsSelected} ${DESKTOP}
        !insertmacro FORGET_DESKTOP
    ${EndIf}
    ${IfNot} ${SectionIsSelected} ${OPEN_WITH}
        !insertmacro FORGET_OPEN_WITH
    ${EndIf}
    System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)' ; icons and verbs are read anew
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
    !insertmacro MUI_DESCRIPTION_TEXT ${DESKTOP} "$(DesktopText)"
    !insertmacro MUI_DESCRIPTION_TEXT ${OPEN_WITH} "$(OpenWithText)"
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function .onInit
    ${IfNot} ${RunningX64}
    ${OrIfNot} ${AtLeastWin10}
        !insertmacro REFUSE "" ${EXIT_WINDOWS} "$(WindowsText)"
    ${EndIf}
    SetRegView 64
    ReadRegStr $EarlierVersion HKCU "${KEY}" "Version"
    ReadRegStr $EarlierFolder HKCU "${KEY}" "Folder"
    ${IfNot} ${FileExists} "$EarlierFolder\uninstall\files*.txt"
        StrCpy $EarlierFolder ""
        StrCpy $EarlierVersion ""
    ${EndIf}
    Call ReadChoices
    StrCpy $WelcomeText "$(NewText)"
    ${If} $EarlierVersion != ""
        StrCpy $WelcomeText "$(UpdateText)"
        ${VersionCompare} "$EarlierVersion" "${VERSION}" $0
        ${If} $EarlierVersion == "${VERSION}"
            StrCpy $WelcomeText "$(RepairText)"
        ${ElseIf} $0 == 1
            Call AskWhetherBack
        ${EndIf}
    ${EndIf}
    ${If} ${Silent}
        Call CheckFolder
    ${EndIf}
    ${If} $EarlierFolder != ""
        !insertmacro REFUSE_WHILE_RUNNING "" "$EarlierFolder"
    ${EndIf}
FunctionEnd

; /DESKTOP and /OPENWITH, with =0 to take back; else what was chosen before.
Function ReadChoices
    !insertmacro READ_CHOICE ${DESKTOP} "Desktop" "/DESKTOP"
    !insertmacro READ_CHOICE ${OPEN_WITH} "OpenWith" "/OPENWITH"
FunctionEnd

Function AskWhetherBack
    ${GetParameters} $1
    ClearErrors
    ${GetOptions} $1 "/DOWNGRADE" $2
    ${IfNot} ${Errors}
        Return
    ${EndIf}
    ${If} ${Silent}
        !insertmacro REFUSE "" ${EXIT_LATER} "$(LaterText)"
    ${EndIf}
    ${If} ${Cmd} `MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "$(LaterText)$\r$\n$\r$\n$(BackText)" IDNO`
        SetErrorLevel ${EXIT_LATER}
        Quit
    ${EndIf}
FunctionEnd

; Refused: what is too long, and a folder that holds things of others. Nothing was written yet.
Function CheckFolder
    StrLen $0 "$INSTDIR"
    IntOp $0 $0 + ${LONGEST}
    ${If} $0 >= 259
        StrCpy $1 "$(LongText)"
        Goto refused
    ${EndIf}
    ${IfNot} ${FileExists} "$INSTDIR\uninstall\files*.txt"
        ${DirState} "$INSTDIR" $0
        ${If} $0 == 1
            StrCpy $1 "$(ForeignText)"
            Goto refused
        ${EndIf}
    ${EndIf}
    Push $INSTDIR
    Call FreeKilobytes
    Pop $0
    ${If} $0 != ""
        SectionGetSize ${PROGRAM} $2
        System::Int64Op $0 < $2
        Pop $3
        ${If} $3 == 1
            StrCpy $1 "$(SpaceText)"
            StrCpy $4 ${EXIT_SPACE}
            Goto told
        ${EndIf}
    ${EndIf}
    Return
refused:
    StrCpy $4 ${EXIT_FOLDER}
told:
    ${If} ${Silent}
        !insertmacro REFUSE "" $4 "$1"
    ${EndIf}
    MessageBox MB_OK|MB_ICONEXCLAMATION "$1"
    Abort ; back to the page
FunctionEnd

Function FreeKilobytes ; stack: folder, which need not exist yet -> kilobytes, or nothing where not told
    Exch $0
    Push $1
    ${DoUntil} ${FileExists} "$0\*.*"
        ${GetParent} "$0" $0
        ${IfThen} $0 == "" ${|} ${Break} ${|}
    ${Loop}
    System::Call 'kernel32::GetDiskFreeSpaceExW(w "$0\", *l .r1, p 0, p 0) i .r0'
    ${If} $0 == 0
        StrCpy $0 ""
    ${Else}
        System::Int64Op $1 / 1024
        Pop $0
    ${EndIf}
    Pop $1
    Exch $0
FunctionEnd

Function un.onInit
    SetRegView 64
    !insertmacro REFUSE_WHILE_RUNNING "un." "$INSTDIR"
FunctionEnd

Section "Uninstall"
    Push "$INSTDIR"
    Call un.RemoveInstallation
    Pop $0
    ${If} $0 > 0
        SetErrorLevel 2
        Abort "$(StaysText): $0"
    ${EndIf}
    ReadRegStr $0 HKCU "${KEY}" "Folder"
    ${If} $0 == $INSTDIR ; another installation keeps its entries
        !insertmacro FORGET_DESKTOP
        !insertmacro FORGET_OPEN_WITH
        Delete "$SMPROGRAMS\${NAME}\${NAME}.lnk"
        Delete "$SMPROGRAMS\${NAME}\${NAME} command line.lnk"
        RMDir "$SMPROGRAMS\${NAME}"
        DeleteRegKey HKCU "${APP_PATH_KEY}"
        DeleteRegKey HKCU "${UNINSTALL_KEY}"
        DeleteRegValue HKCU "${KEY}" "Folder"
        DeleteRegValue HKCU "${KEY}" "Version"
        DeleteRegKey /ifempty HKCU "${KEY}"
    ${EndIf}
    ${If} ${FileExists} "$INSTDIR\*.*"
        DetailPrint "$(KeptText)"
    ${EndIf}
SectionEnd
